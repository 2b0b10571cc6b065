"""What a fleet counts agrees with a witness to each run, whoever is killed."""

import json
import os
import random
import signal
from collections import Counter

from buoy.operations.counts import ClassCounts
from tests.support.processes import Site, WorkerProcess, wait_until

from .apps.counted import Counted, CountedToo

WAYS = ("well", "well", "fails", "again")
COUNTED_AS = {"Done": "done", "Failed": "failed", "Later": "retried", "Released": "released"}
SECONDS = 0.1
"""How long each job takes: long enough to be killed."""
Options = tuple[str, ...]
Fleet = list[tuple[Options, WorkerProcess]]
FORKS: Options = ("--executor", "fork", "-c", "2")
THREADS: Options = ("--executor", "thread", "-c", "3")
FLEET = [FORKS, FORKS, THREADS, THREADS]


def witnessed(site: Site) -> dict[str, Counter[str]]:
    """By class, what must have been counted: what the last run of each attempt has noted. A run
    that was killed after its note has run again, and has lost one lease more."""
    ends: dict[tuple[str, int], tuple[str, str, int, bool]] = {}
    for word in site.words("ended"):
        id, name, attempt, outcome, lost, begun = json.loads(word)
        known = ends.get((id, attempt))
        if known is None or lost >= known[2]:
            ends[id, attempt] = name, outcome, lost, begun
    counts: dict[str, Counter[str]] = {}
    for name, outcome, lost, begun in ends.values():
        counts.setdefault(name, Counter()).update(
            {COUNTED_AS[outcome]: 1, "lost": lost, "timed": int(begun)}
        )
    return counts


def busy(site: Site, fleet: Fleet) -> Fleet:
    """The workers of the fleet that run jobs."""
    pids = {job.worker.rsplit("-", 2)[1] for job in site.app.monitor.running_jobs()}
    return [each for each in fleet if str(each[1].pid) in pids]


def counted(site: Site) -> dict[str, ClassCounts]:
    return {each.name: each for each in site.app.monitor.counts(["default"])}


def test_a_fleet_under_kills_counts_what_a_witness_sees(site: Site) -> None:
    chance = random.Random(7)
    number = 48
    for job in (Counted, CountedToo):
        job.enqueue_many([(SECONDS, WAYS[n % len(WAYS)]) for n in range(number)])
    fleet: Fleet = [(options, site.worker(*options, app="counted")) for options in FLEET]
    for kill in range(6):
        more = len(site.words("ended")) + 8
        if kill > 0:  # at first all wait for the gate, so one loses its lease for certain
            wait_until(lambda: len(site.words("ended")) > more or site.idle(), what=site.logs)  # noqa: B023
        wait_until(lambda: busy(site, fleet) or site.idle(), what=site.logs)
        options, victim = chance.choice(busy(site, fleet) or fleet)
        fleet.remove((options, victim))
        if kill % 3 == 2 and "fork" in options:
            victim.wait_for_log("serves")
            os.kill(victim.nursery, signal.SIGKILL)
            fleet.append((options, victim))
        else:
            victim.kill()
            fleet.append((options, site.worker(*options, app="counted")))
        site.open("go")
    site.settled()
    for _, worker in fleet:
        worker.stop()

    seen, found = witnessed(site), counted(site)

    assert set(found) == set(seen) == {Counted.name, CountedToo.name}
    for name, each in found.items():
        assert each.enqueued == number
        assert each.done + each.failed == number
        for word in ("done", "failed", "retried", "lost"):
            assert getattr(each, word) == seen[name][word], (name, word)
        assert each.waiting.count == each.running.count == seen[name]["timed"]
        assert each.running.sum >= SECONDS * seen[name]["timed"]
    assert sum(each.lost for each in found.values()) > 0
    assert site.view().done == sum(each.done for each in found.values())


def test_jobs_of_each_executor_tell_how_long_they_ran(site: Site, executor: str) -> None:
    site.open("go")
    Counted.enqueue_many([(0.1, "well"), (0.1, "fails")])
    site.burst("--executor", executor, app="counted")

    [each] = counted(site).values()

    assert (each.enqueued, each.done, each.failed) == (2, 1, 1)
    assert (each.running.count, each.waiting.count) == (2, 2)
    assert 0.2 <= each.running.sum < 600.0
    assert sum(each.running.buckets[7:]) == 2  # 64 ms or more
    assert each.waiting.sum < 1200.0
