"""Workers and children are killed at any time: never do more jobs run than a limit allows, and all
of them run."""

import os
import random
import signal
from contextlib import suppress

import pytest

from tests.support.processes import Site, WorkerProcess, holds_for, wait_until

from .apps.limited import Ordered, Turn, Work

JOBS = 60


@pytest.mark.parametrize("executor", ["fork", "thread"])
def test_no_more_jobs_run_than_a_limit_allows_whoever_is_killed(site: Site, executor: str) -> None:
    chance = random.Random(executor)
    Work.enqueue_many([(word, number) for number in range(JOBS) for word in ("left", "right")])
    Ordered.enqueue_many([("line", number) for number in range(JOBS)])
    workers = [start(site, executor) for _ in range(2)]
    for number in range(6):
        more = len(site.words()) + 5
        # All may have run before this process gets its turn.
        wait_until(lambda: len(site.words()) > more or site.idle(), what=site.logs)  # noqa: B023
        holds_for(chance.uniform(0, 0.03), lambda: True)
        if number % 2 or executor == "thread":
            workers.pop(0).kill()
            workers.append(start(site, executor))
        else:
            kill_last(site)
    site.settled(within=120.0)

    assert site.words("too many") == []
    ran = {f"{word} {number}" for word in ("left", "right", "line") for number in range(JOBS)}
    assert set(site.words("ran")) == ran
    assert site.view().failed == 0
    for part in ("claims", "blocked", "lines"):
        assert site.app.command("EXISTS", site.app.key("default", part)) == 0


def start(site: Site, executor: str) -> WorkerProcess:
    return site.worker("--executor", executor, "-c", "4", app="limited")


def kill_last(site: Site) -> None:
    """Kill the process that began a job last, if it still runs."""
    pid = [note.pid for note in site.notes if note.event == "began"][-1]
    if pid in site.processes():
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(pid, signal.SIGKILL)


def test_tenants_take_turns_at_real_workers(site: Site) -> None:
    Turn.enqueue_many([("large", number) for number in range(100)])
    Turn.enqueue_many([("small", number) for number in range(3)])
    # One slot: of two threads one may be held up, and those that come later begin before its job.
    site.worker("--executor", "thread", "-c", "1", app="limited")

    wait_until(lambda: "small 2" in site.words("ran"), what=site.logs)

    before = site.words("began")[: site.words("began").index("small 2")]
    assert len(before) <= 3 * 2 + 4
    site.settled(within=120.0)
    assert len(set(site.words("ran"))) == 103
