"""Scripts among real workers: more slots than one script can take jobs for, and keys in which
something else has written."""

import pytest

from buoy import Job
from tests.support.processes import Site, wait_until

from .apps.jobs import Note, NoteSoon, Wait


def part(site: Site, queue: str, name: str) -> str:
    return site.app.broker.keys.part(queue, name)


@pytest.mark.parametrize(("executor", "slots"), [("async", 5000), ("thread", 4100), ("inline", 0)])
def test_more_slots_than_a_script_takes_jobs(
    site: Site, monkeypatch: pytest.MonkeyPatch, executor: str, slots: int
) -> None:
    monkeypatch.setattr(Job, "app", site.app)
    site.lease = 30.0  # thousands of threads keep the heartbeat waiting
    job = NoteSoon if executor == "async" else Note
    number = 12_000
    job.enqueue_many([(str(n),) for n in range(number)])

    options = ["--executor", executor, *(["-c", str(slots)] if slots else [])]
    site.burst(*options, app="jobs")

    assert len(site.words()) == len(set(site.words())) == number
    view = site.view()
    assert (view.done, view.queued, view.running) == (number, 0, 0)
    code, said = site.run("queues", "repair", "default")
    assert (code, said) == (0, "default: nothing is wrong\n")


def test_a_queue_with_a_wrong_key_stands_still_and_the_others_go_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Job, "app", site.app)
    client = site.app.broker.client
    Note.using(queue="odd").enqueue("stays")
    client.call("SET", part(site, "odd", "leases"), "x")

    worker = site.worker(queues="odd,default")
    wrong = f"{part(site, 'odd', 'leases')}: expected a zset, got a string; nothing was changed"
    worker.wait_for_log(f"queue=odd is blocked: {wrong}")
    for word in ("one", "two", "three"):
        Note.enqueue(word)
        site.note("ran", word)
    assert site.words() == ["one", "two", "three"]
    assert worker.log.count("is blocked") == 1
    assert site.app.monitor.peek("odd")[0].args == ["stays"]

    client.call("RENAME", part(site, "odd", "leases"), "odd-leases")
    site.note("ran", "stays")
    worker.wait_for_log("queue=odd works again")


def test_a_worker_beats_for_its_other_queues(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that runs longer than its lease keeps it, whatever is wrong elsewhere."""
    monkeypatch.setattr(Job, "app", site.app)
    site.app.broker.client.call("SET", part(site, "odd", "meta"), "x")

    worker = site.worker(queues="odd,default")
    Wait.enqueue("long", "gate")
    site.note("began", "long")
    wait_until(lambda: [v for v in site.app.monitor.workers() if not v.gone], what="a card")
    first = site.app.monitor.workers()[0].beat_at
    wait_until(lambda: site.app.monitor.workers()[0].beat_at > first + 2 * site.lease)
    site.open("gate")
    site.note("ran", "long")

    assert "lost the lease" not in worker.log
    assert site.words("began") == ["long"]
