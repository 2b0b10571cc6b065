"""The first queue of the list is served first, whatever the others hold."""

import pytest

from buoy.worker.queue_selection import STALE_SECONDS
from tests.support.processes import Site, holds_for, wait_until

from .apps.jobs import EnqueueUrgent, Note, Sleep, Wait


def test_what_is_ready_runs_in_the_order_of_the_list(site: Site, executor: str) -> None:
    for queue in ("c", "b", "a"):
        Note.using(queue=queue).enqueue_many([(f"{queue}{n}",) for n in range(5)])
    site.burst("--executor", executor, queues="a,b,c")
    assert site.words() == [f"{queue}{n}" for queue in "abc" for n in range(5)]


def test_after_a_long_job_the_first_queue_comes_first(site: Site, executor: str) -> None:
    Wait.using(queue="low").enqueue("long", "gate")
    Note.using(queue="low").enqueue("low")
    site.worker("--executor", executor, queues="high,low")
    site.note("began")
    Note.using(queue="high").enqueue_many([("high 1",), ("high 2",)])
    finish(site, "gate")
    site.settled("low")
    assert site.words() == ["long", "high 1", "high 2", "low"]


def test_after_a_long_job_of_the_first_queue_the_first_queue_comes_first(
    site: Site, executor: str
) -> None:
    Wait.using(queue="high").enqueue("long", "gate")
    site.worker("--executor", executor, queues="high,low")
    site.note("began")
    Note.using(queue="low").enqueue_many([("low 1",), ("low 2",)])
    Note.using(queue="high").enqueue("high")
    finish(site, "gate")
    site.settled("low")
    assert site.words() == ["long", "high", "low 1", "low 2"]


def test_jobs_that_take_a_while_let_urgent_ones_pass(site: Site, executor: str) -> None:
    for n in range(4):
        EnqueueUrgent.using(queue="low").enqueue(str(n))
    site.worker("--executor", executor, queues="urgent,low")
    site.settled("low")
    site.settled("urgent")
    words = site.words()
    # Several jobs may have been taken at once before it was known that they are long.
    assert [word for word in words if "urgent" in word] == [f"urgent by {n}" for n in range(4)]
    for n in (0, 1, 2):
        assert words.index(f"urgent by {n}") <= words.index(str(n)) + 1, words


def test_many_short_jobs_let_urgent_ones_pass(site: Site, executor: str) -> None:
    sleep = Sleep.using(queue="low")
    sleep.enqueue_many([(str(n), 0.002) for n in range(250)])
    # The short jobs must not all be done before the urgent one comes, however late that is.
    Wait.using(queue="low").enqueue("250", "gate")
    sleep.enqueue_many([(str(n), 0.002) for n in range(251, 400)])
    site.worker("--executor", executor, queues="urgent,low")
    wait_until(lambda: len(site.words()) > 20)
    Note.using(queue="urgent").enqueue("urgent")
    site.open("gate")
    at = site.note("ran", "urgent").at
    before = [note.at for note in site.notes if note.event == "ran" and note.at < at]
    assert len(before) < 300, "the urgent job came last"
    site.settled("low")


def test_delayed_jobs_keep_to_the_order_of_the_list(site: Site, executor: str) -> None:
    Wait.using(queue="low").enqueue("long", "gate")
    Note.using(queue="low").enqueue("low")
    site.worker("--executor", executor, queues="high,low")
    site.note("began")
    Note.using(queue="high", delay=0.05).enqueue("due")
    # Not by its view: the heartbeat may have queued it by then.
    due = seconds(site) + 0.05
    wait_until(lambda: seconds(site) > due)
    site.open("gate")
    site.settled("low")
    assert site.words() == ["long", "due", "low"]


def finish(site: Site, gate: str) -> None:
    """Let the long job end, when it was long enough for what the worker knew to be outdated."""
    holds_for(2 * STALE_SECONDS, lambda: not site.words())
    site.open(gate)


def seconds(site: Site) -> float:
    """The clock of Redis."""
    whole, micros = site.app.broker.client.call("TIME")
    return int(whole) + int(micros) / 1e6


def test_slots_are_filled_from_the_first_queue(site: Site) -> None:
    for n in range(4):
        Wait.using(queue="low").enqueue(f"low {n}", "gate")
    Wait.using(queue="high").enqueue("high", "gate")
    site.worker("-c", "3", queues="high,low")
    wait_until(lambda: len(site.words("began")) == 3)
    assert sorted(site.words("began")) == ["high", "low 0", "low 1"]
    site.open("gate")
    site.settled("low")


@pytest.mark.parametrize("mail", ["mail", "mail*"])
@pytest.mark.parametrize(("executor", "jobs", "off"), [("fork", 100, 10), ("inline", 300, 30)])
def test_with_weights_each_queue_gets_its_share(
    site: Site, executor: str, jobs: int, off: int, mail: str
) -> None:
    for queue in ("admin", "mail"):
        Sleep.using(queue=queue).enqueue_many([(queue, 0.002)] * jobs)
    site.burst("--executor", executor, queues=f"{mail}:5,admin:1")
    words = site.words()
    assert words.count("mail") == words.count("admin") == jobs
    # As long as there is mail; short jobs are taken in batches.
    shared = words[: max(n for n, word in enumerate(words) if word == "mail")]
    assert shared.count("admin") == pytest.approx(jobs / 5, abs=off)


@pytest.mark.parametrize("executor", ["fork", "inline"])
def test_a_queue_alone_is_not_held_back_by_a_small_weight(site: Site, executor: str) -> None:
    Note.using(queue="admin").enqueue_many([(str(n),) for n in range(20)])
    site.burst("--executor", executor, queues="mail:5,admin:1")
    assert site.words() == [str(n) for n in range(20)]
