"""Producers race, children, workers and producers are killed: one of each at a time, none stuck."""

import os
import random
import signal
from contextlib import suppress

import pytest

from buoy_loner import holder
from tests.support.processes import Site, WorkerProcess, alive, holds_for, wait_until

from .apps.loners import WORDS, Alone, Produce, Soon


@pytest.mark.parametrize("executor", ["fork", "thread"])
def test_of_racing_producers_jobs_one_at_a_time_runs_whoever_is_killed(
    site: Site, executor: str
) -> None:
    chance = random.Random(executor)
    Produce.enqueue_many([(1,), (2,)])
    site.worker("-c", "2", app="loners", queues="producers")
    workers = [start(site, executor) for _ in range(2)]
    prey = ["began", "produces"] if executor == "fork" else ["produces"]
    for number in range(8):
        more = len(site.words()) + 5
        wait_until(lambda: len(site.words()) > more, what=site.logs)  # noqa: B023
        holds_for(chance.uniform(0, 0.03), lambda: True)
        if number % 2:
            workers.pop(0).kill()
            workers.append(start(site, executor))
        else:
            kill_last(site, chance.choice(prey))
    wait_until(lambda: len(site.words("refused")) > 100, what=site.logs)
    site.open("stop")
    site.settled("producers")
    site.settled()

    assert site.words("not alone") == []
    assert len(site.words("refused")) > 100
    assert set(site.words("enqueued")) <= set(site.words())
    assert [site.view(queue).failed for queue in ("default", "producers")] == [0, 0]
    assert site.app.command("HLEN", site.app.key("default", "claims")) == 0
    assert [holder(Alone, word) for word in WORDS] == [None, None]
    assert [Alone.enqueue(word).state for word in WORDS] == ["queued", "queued"]


def start(site: Site, executor: str) -> WorkerProcess:
    return site.worker("--executor", executor, "-c", "2", app="loners")


def kill_last(site: Site, event: str) -> None:
    """Kill the process that noted this last, if it still runs."""
    pid = [note.pid for note in site.notes if note.event == event][-1]
    if pid in site.processes():
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("executor", ["fork", "thread"])
def test_a_place_until_the_start_is_free_though_the_worker_died_since(
    site: Site, executor: str
) -> None:
    first = Soon.enqueue("gate")
    assert Soon.enqueue("gate").holder == first.id
    worker = start(site, executor)
    running = site.note("began", first.id)
    assert holder(Soon, "gate") is None

    worker.kill()
    wait_until(lambda: not alive(running.pid))
    second = Soon.enqueue("gate")

    assert (second.state, Soon.enqueue("gate").holder) == ("queued", second.id)
    site.open("gate")
    start(site, executor)
    site.settled()
    assert sorted(site.words()) == [first.id, second.id]
    assert holder(Soon, "gate") is None
