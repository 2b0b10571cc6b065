"""The matrix: nasty classes, objects and errors, under every executor, in tests and inline."""

import contextvars
import json
import re
from collections import Counter
from typing import Any

import pytest

from buoy import Job
from buoy.testing import drain
from tests.support.processes import EXECUTORS, Site

from .apps import nasty, record

NASTY = {job.__name__: expected for job, expected in nasty.EXPECTED.items()}


def enqueue_all() -> None:
    """Each nasty one with two good ones behind it."""
    for job in nasty.EXPECTED:
        name = job.__name__
        nasty.Nasty.app.push(job.name, queue="nasty", id=name)
        nasty.Good.enqueue(f"1 after {name}")
        nasty.Good.enqueue(f"2 after {name}")


def check(site: Site) -> None:
    """The good ones have run once, and found nothing; each nasty one has its own real error."""
    good = Counter(f"{n} after {name} clean" for name in NASTY for n in (1, 2))
    assert Counter(site.words()) == good
    assert site.view("nasty").done == len(good)
    failures = {view.id: view.failure for view in site.app.monitor.failed(["nasty"])}
    assert failures.keys() == NASTY.keys()
    wrong = {name: failure for name, failure in failures.items() if not is_right(name, failure)}
    assert wrong == {}


def is_right(name: str, failure: dict[str, Any]) -> bool:
    error, message = NASTY[name]
    return (
        failure["error"].rpartition(".")[2] == error
        and message in failure.get("message", "")
        and (error == "PluginError" or "Traceback" in failure["traceback"])
        and len(str(failure)) < 60_000
    )


@pytest.mark.parametrize("executor", EXECUTORS)
def test_nasty_jobs_fail_with_their_own_errors_though_the_log_fails_too(
    site: Site, executor: str
) -> None:
    enqueue_all()
    worker = site.worker("--burst", "--executor", executor, queues="nasty", app="nasty_log")
    assert worker.wait() == 0, worker.log[-5000:]
    check(site)
    assert re.search(r"failed: ValueError: the real error id=\S+ .*\(not logged: ", worker.log)


@pytest.mark.parametrize(
    ("executor", "form"), [("fork", "json"), ("inline", "text"), ("async", "json")]
)
def test_each_nasty_job_has_a_line_of_the_log(site: Site, executor: str, form: str) -> None:
    for job in nasty.EXPECTED:
        nasty.Nasty.app.push(job.name, queue="nasty", id=job.__name__)
    options = ["--burst", "-v", "--executor", executor, "--log-format", form]
    worker = site.worker(*options, queues="nasty", app="nasty")
    assert worker.wait() == 0, worker.log[-5000:]
    lines = [line for line in worker.log.splitlines() if not line.startswith("  ")]
    if form == "json":
        rows = [json.loads(line) for line in lines]
        failed = {row["job_id"] for row in rows if row.get("state") == "failed"}
        assert all(len(json.dumps(row)) < 60_000 for row in rows)
    else:
        assert all(re.match(r"\d{4}-\d\d-\d\d [\d:,]+ [A-Z]+ \S+ ", line) for line in lines)
        found = [re.search(r" ERROR buoy\.job .* failed: .* id=(\w+) ", line) for line in lines]
        failed = {match[1] for match in found if match}
    assert failed == NASTY.keys()


def test_drained_nasty_jobs_fail_with_their_own_errors(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "RECORD", site.record)
    enqueue_all()
    drain(site.app)
    check(site)


@pytest.mark.parametrize("job", nasty.INLINE, ids=lambda job: job.__name__)
def test_inline_nasty_jobs_raise_their_own_errors(
    site: Site, job: type[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "RECORD", site.record)
    error, _ = NASTY[job.__name__]
    raised: BaseException | None = None
    with site.app.inline():
        try:
            contextvars.Context().run(site.app.push, job.name, queue="nasty")
        except BaseException as caught:  # noqa: BLE001 - that is what they are
            raised = caught
        nasty.Good.enqueue("1 after")
        nasty.Good.enqueue("2 after")
    if error == "StopIteration":  # which no generator may raise
        error = "RuntimeError"
    assert type.__dict__["__name__"].__get__(type(raised)) == error
    assert site.words() == ["1 after clean", "2 after clean"]
