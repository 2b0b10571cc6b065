"""Whatever a job raises in whatever order: it runs as often as declared, and ends in one place."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buoy import App, Job
from buoy.testing import Clock, drain
from buoy_retry import Group, Retry, RetryAfter, Snooze, history

ERRORS: dict[str, Any] = {
    "busy": ConnectionError("busy"),
    "slow": TimeoutError("slow"),
    "wrong": KeyError("wrong"),
    "retry after": RetryAfter(420),
    "snooze": Snooze(180),
    "fine": None,
}
BUSY = Group("BUSY", lambda error: str(error) == "busy")
LIMITS = st.none() | st.integers(0, 4)


def expected(limit: int | None, snoozes: int, words: list[str]) -> tuple[list[str], str]:
    """The runs, and how the job ends, computed without the plugin."""
    runs, retries, snoozed = [], 0, 0
    for word in [*words, "fine"]:
        runs.append(word)
        if word == "snooze" and snoozed < snoozes:
            snoozed += 1
        elif word in ("busy", "slow", "retry after") and (limit is None or retries < limit):
            retries += 1
        else:
            return runs, "done" if word == "fine" else "failed"
    raise AssertionError("the last one is fine")


@pytest.mark.usefixtures("buoy_app")
class TestRuns:
    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(LIMITS, st.integers(0, 2), st.lists(st.sampled_from(sorted(ERRORS)), max_size=8))
    def test_a_job_runs_as_often_as_declared(
        self, buoy_app: App, buoy_clock: Clock, limit: int | None, snoozes: int, words: list[str]
    ) -> None:
        runs: list[str] = []
        alarms: list[str] = []

        def alarm(job: Job, error: BaseException) -> None:
            alarms.append(job.id)

        class Scripted(Job):
            queue = uuid4().hex
            plugins = [
                Retry(
                    limit,
                    on={BUSY: [60, 300], TimeoutError: 120},
                    never=KeyError,
                    on_give_up=alarm,
                    max_snoozes=snoozes,
                )
            ]

            def perform(self) -> None:
                runs.append([*words, "fine"][len(runs)])
                if ERRORS[runs[-1]] is not None:
                    raise ERRORS[runs[-1]]

        wanted, end = expected(limit, snoozes, words)
        handle = Scripted.enqueue()
        for number in range(len(wanted)):
            drained = drain(buoy_app, Scripted.queue)
            assert sum(drained.values()) == 1
            view = buoy_app.find(handle.id)
            if number < len(wanted) - 1:
                assert view is not None
                assert view.state == "delayed"
                assert alarms == []
            buoy_clock.advance(480)

        assert runs == wanted
        view = buoy_app.find(handle.id)
        assert (view.state if view else "done") == end
        assert alarms == [handle.id] * (end == "failed")
        if view is not None:
            failures = [word for word in wanted if word != "snooze"] + ["snooze"] * (
                wanted[-1] == "snooze"
            )
            assert len(history(view)) == len(failures)
        [queue] = buoy_app.monitor.queues([Scripted.queue])
        assert (queue.queued, queue.delayed, queue.running) == (0, 0, 0)
        assert queue.failed == (end == "failed")
