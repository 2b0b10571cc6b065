"""Failed jobs that a worker removes since there are too many of them, or they are too old."""

from buoy.model.reservation import RoundTripRequest, Settlement
from tests.support.processes import Site, wait_until

from .apps.jobs import Note


def fail_many(site: Site, count: int, queue: str = "default") -> list[str]:
    """Let jobs of a queue fail, without a worker; returns their ids."""
    handles = Note.using(queue=queue).enqueue_many([(str(n),) for n in range(count)])
    held = site.app.broker.advance_queue("one", RoundTripRequest(queue, 1, wanted=count))
    settlements = [
        Settlement.of(each, "failed", payload=each.payload) for each in held.reservations
    ]
    site.app.broker.advance_queue("one", RoundTripRequest(queue, 2, settlements=settlements))
    return [handle.id for handle in handles]


def failed_ids(site: Site, queue: str = "default") -> list[str]:
    return [view.id for view in site.app.monitor.failed([queue])]


def test_a_worker_keeps_the_newest_and_says_what_it_removed(site: Site, executor: str) -> None:
    ids = fail_many(site, 1250)
    others = fail_many(site, 30, queue="other")
    site.environ["BUOY_FAILED_MAX"] = "20"

    worker = site.worker("--executor", executor)

    wait_until(lambda: failed_ids(site) == ids[-20:])
    worker.wait_for_log("queue=default failed jobs removed: 1230; it keeps 20 (BUOY_FAILED_MAX)")
    late = [site.app.push("nobody.Knows", [n], queue="default").id for n in range(5)]
    wait_until(lambda: failed_ids(site) == [*ids[-15:], *late])
    assert failed_ids(site, "other") == others
    assert site.app.find(ids[0]) is None
    worker.stop()


def test_failed_jobs_end_when_they_are_old(site: Site) -> None:
    old, new = fail_many(site, 2)
    key = site.app.key("default", "failed")
    site.app.command("ZINCRBY", key, -8 * 86_400_000, old)
    site.environ["BUOY_FAILED_DAYS"] = "7"

    worker = site.burst()

    assert failed_ids(site) == [new]
    assert "it keeps those of 7 days (BUOY_FAILED_DAYS)" in worker.log


def test_without_limits_all_failed_jobs_stay(site: Site) -> None:
    ids = fail_many(site, 30)

    site.burst()

    assert failed_ids(site) == ids
