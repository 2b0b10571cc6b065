"""What operators are told of a job that was to run, and is kept back by a limit or a rate."""

from typing import Any

import pytest
from click.testing import CliRunner

from buoy import App, Job
from buoy.cli import main
from buoy.cli.top.acts import retry_failure
from buoy.testing import Clock, drain
from buoy_limits import Limit, Rate


class Pay(Job):
    queue = "payments"
    plugins = [Limit(at_once=1)]

    def perform(self, how: str = "") -> None:
        if how == "fail":
            raise ValueError(how)


class Call(Pay):
    plugins = [Rate(1, per=60)]


def failed_beside_another(app: App, clock: Clock, job: Any) -> str:
    """The id of a job that has failed; another one keeps it back."""
    id: str = job.enqueue("fail").id
    drain(app)
    clock.advance(61)
    job.enqueue()
    return id


def delayed_beside_another(job: Any) -> str:
    job.enqueue()
    return str(job.using(delay=600).enqueue().id)


def buoy(*words: str) -> str:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return result.output


KEPT = pytest.mark.parametrize(
    ("job", "place"), [(Pay, "blocked by a limit"), (Call, "delayed by a rate")]
)


@KEPT
def test_a_retried_job(buoy_app: App, buoy_clock: Clock, job: Any, place: str) -> None:
    id = failed_beside_another(buoy_app, buoy_clock, job)

    answer = buoy_app.retry(id)

    assert (answer.kind, answer.retried) == (place.partition(" ")[0], True)
    view = buoy_app.find(id)
    assert view is not None
    assert view.state == answer.kind


@KEPT
def test_a_delayed_job_that_is_run_now(
    buoy_app: App, buoy_clock: Clock, job: Any, place: str
) -> None:
    id = delayed_beside_another(job)

    answer = buoy_app.run_now(id)

    assert answer.kind == place.partition(" ")[0]


@KEPT
def test_the_commands_say_so(buoy_app: App, buoy_clock: Clock, job: Any, place: str) -> None:
    id = failed_beside_another(buoy_app, buoy_clock, job)

    assert buoy("jobs", "retry", id) == f"{id}: {place}\n"
    later = str(job.using(delay=600).enqueue().id)
    assert buoy("jobs", "run-now", later) == f"{later}: {place}\n"


@KEPT
def test_many_at_once(buoy_app: App, buoy_clock: Clock, job: Any, place: str) -> None:
    failed_beside_another(buoy_app, buoy_clock, job)

    assert buoy("failed", "retry", "--all") == f"0 jobs were queued, 1 {place}\n"


@KEPT
def test_into_another_queue(buoy_app: App, buoy_clock: Clock, job: Any, place: str) -> None:
    first, second = (str(job.enqueue("fail").id) for _ in "ab")
    for _ in "ab":
        drain(buoy_app)
        buoy_clock.advance(61)

    assert buoy("jobs", "retry", "--to", "other", first) == f"{first}: queued in other\n"
    assert buoy("jobs", "retry", "--to", "other", second) == f"{second}: {place} in other\n"


@KEPT
def test_the_screen_says_so(buoy_app: App, buoy_clock: Clock, job: Any, place: str) -> None:
    id = failed_beside_another(buoy_app, buoy_clock, job)
    view = buoy_app.find(id)
    assert view is not None

    assert retry_failure(buoy_app, view) == f"job {id} is {place}"
