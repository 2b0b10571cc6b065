"""What the dashboard says of a job that was to run, and is kept back by a limit or a rate."""

import pytest

from buoy import App, Job
from buoy.testing import Clock, drain
from buoy_limits import Limit, Rate

from .conftest import Site


class Pay(Job):
    queue = "payments"
    plugins = [Limit(at_once=1)]

    def perform(self, how: str = "") -> None:
        if how == "fail":
            raise ValueError(how)


class Call(Pay):
    plugins = [Rate(1, per=60)]


KEPT = pytest.mark.parametrize(
    ("job", "said"), [(Pay, "1 job is blocked by a limit."), (Call, "1 job is delayed by a rate.")]
)


@KEPT
def test_a_failed_job(
    site: Site, buoy_app: App, buoy_clock: Clock, job: type[Pay], said: str
) -> None:
    id = job.enqueue("fail").id
    drain(buoy_app, raise_errors=False)
    buoy_clock.advance(61)
    job.enqueue()

    page = site.post("/failed/retry", f"/jobs/{id}", id=id)

    assert f"0 jobs are queued again. {said}" in page.text
    assert " not:" not in page.text


@KEPT
def test_a_delayed_job(site: Site, job: type[Pay], said: str) -> None:
    job.enqueue()
    ids = [job.using(delay=600).enqueue().id for _ in "ab"]

    page = site.post("/delayed/run-now", "/delayed", id=ids[:1])

    assert f"1 job is due now. {said}" in page.text
    path = f"/jobs/{ids[1]}"
    assert f"{ids[1]} is due now. {said}" in site.post(f"{path}/run-now", path).text
