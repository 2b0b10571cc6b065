"""Jobs that go over to another queue with the good end of their parent, with processes that are
really killed."""

import random
import subprocess
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from buoy import RESULT
from tests.support.cluster import Cluster
from tests.support.processes import EXECUTORS, Site, wait_until

from .apps.charging import LEVELS, SHELVES, AsyncCharge, AsyncTake, Charge, Pack, Sort, Take, Tell


def orders_in(site: Site, queue: str) -> list[int]:
    return [view.args[0] for view in site.app.monitor.peek(queue, 0, 1000)]


def worked_on(site: Site, charges: int) -> bool:
    """Whether so many charges are on record, or none is left to be made."""
    return len(site.words("charged")) >= charges or not orders_in(site, "payments")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_both_are_enqueued_under_every_executor(site: Site, executor: str) -> None:
    for order in range(3):
        (AsyncCharge if executor == "async" else Charge).enqueue(order)
    site.burst("--executor", executor, queues="payments,warehouse", app="charging")

    expected = ["0", "1", "2"]
    assert sorted(site.words("charged")) == expected
    assert sorted(site.words("packed")) == sorted(site.words("told")) == expected


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_chain_goes_through_its_queues_under_every_executor(site: Site, executor: str) -> None:
    first: Any = AsyncTake if executor == "async" else Take
    first.then(Pack, RESULT).then(Tell, 5).enqueue(4)
    site.burst("--executor", executor, queues="payments,warehouse", app="charging")

    steps = ("charged", "packed", "told")
    assert [(each.event, each.word) for each in site.notes if each.event in steps] == [
        ("charged", "4"),
        ("packed", "40"),
        ("told", "5"),
    ]


def test_a_worker_that_dies_before_the_end_of_the_job_leaves_nothing(site: Site) -> None:
    Charge.enqueue(7, "gate")
    worker = site.worker("--executor", "fork", queues="payments", app="charging")
    site.note("charged")
    worker.kill()

    assert orders_in(site, "warehouse") == orders_in(site, "payments") == []
    site.open("gate")
    site.worker("--executor", "fork", queues="payments", app="charging")
    wait_until(lambda: orders_in(site, "warehouse") == [7], what=site.logs)
    wait_until(lambda: site.words("told") == ["7"], what=site.logs)


@pytest.mark.parametrize("executor", ["fork", "thread"])
def test_each_order_goes_over_once_whoever_is_killed(site: Site, executor: str) -> None:
    """Workers are killed all the time. What they have charged more than once is still packed
    once."""
    orders, dice = range(60), random.Random(16)
    for order in orders:
        Charge.enqueue(order)
    options, served = ("--executor", executor, "-c", "2"), {"queues": "payments", "app": "charging"}
    for _ in range(6):
        worker = site.worker(*options, **served)
        enough = len(site.words("charged")) + dice.randint(1, 5)
        wait_until(lambda: worked_on(site, enough), what=site.logs)  # noqa: B023 - it is called now
        worker.kill()
    site.worker(*options, **served)
    wait_until(lambda: len(orders_in(site, "warehouse")) == len(orders), what=site.logs)
    wait_until(lambda: {*map(int, site.words("told"))} == {*orders}, what=site.logs)

    assert Counter(orders_in(site, "warehouse")) == Counter(orders)
    wait_until(lambda: open_handovers(site) == 0, what=site.logs)


def test_on_a_cluster_each_job_goes_over_once_whoever_is_killed(
    make_site: Callable[..., Site],
) -> None:
    """Workers are killed while they work and hand over. To every other queue nothing can be handed
    over at first: then those are killed who do it later, workers and `buoy queues repair`."""
    orders, dice = range(40), random.Random(18)
    served = {"queues": "payments", "app": "charging"}
    with Cluster() as cluster:
        site = make_site(cluster)
        keys = [site.app.key(shelf, "queued") for shelf in SHELVES[::2]]
        for key in keys:
            site.app.command("SET", key, "x")
        Sort.enqueue_many([(order,) for order in orders])
        for _ in range(4):
            worker = site.worker("-c", "2", **served)
            enough = len(site.words("sorted")) + dice.randint(1, 8)
            wait_until(
                lambda: len(site.words("sorted")) >= enough or not orders_in(site, "payments"),  # noqa: B023 - it is called now
                what=site.logs,
            )
            worker.kill()
        site.worker("-c", "2", **served)
        wait_until(lambda: site.idle("payments"), what=site.logs)
        site.workers[-1].kill()
        left = open_handovers(site)
        assert left >= len(orders) * len(keys)

        for key in keys:
            site.app.command("DEL", key)
        for _ in range(4):
            worker = site.worker(**served)
            command = site.start(["queues", "repair", "payments"], subprocess.DEVNULL)
            enough = max(0, open_handovers(site) - dice.randint(1, 60))
            wait_until(lambda: open_handovers(site) <= enough, what=site.logs)  # noqa: B023 - as above
            command.kill()
            command.wait()
            worker.kill()
        assert site.run("queues", "repair", "payments")[0] == 0

        assert open_handovers(site) == 0
        for shelf in SHELVES:
            found = orders_in(site, shelf)
            assert Counter(found) == Counter(orders)
            levels = [order % len(LEVELS) for order in found]
            assert levels == sorted(levels)  # in the order of their priorities


def open_handovers(site: Site) -> int:
    found: int = site.app.command("ZCARD", site.app.key("payments", "handovers"))
    return found


def test_a_queue_that_is_blocked_gets_its_jobs_when_it_is_free(site: Site) -> None:
    key = site.app.key("warehouse", "queued")
    site.app.command("SET", key, "x")
    Charge.enqueue(1)
    worker = site.worker(queues="payments", app="charging")
    worker.wait_for_log("1 job waits to go to queue warehouse")
    wait_until(lambda: site.words("told") == ["1"], what=site.logs)
    site.app.command("DEL", key)

    wait_until(lambda: orders_in(site, "warehouse") == [1], what=site.logs)


def test_a_busy_worker_hands_over_what_a_dead_one_has_left(site: Site) -> None:
    """Its heartbeat does it, though its only slot is taken by a long job."""
    site.app.command("SET", site.app.key("warehouse", "queued"), "x")
    Charge.enqueue(1)
    dead = site.worker(queues="payments", app="charging")
    wait_until(lambda: site.words("told") == ["1"], what=site.logs)
    dead.kill()
    assert open_handovers(site) == 1
    Charge.enqueue(2, "gate")
    site.worker("--executor", "inline", queues="payments", app="charging")
    wait_until(lambda: "2" in site.words("charged"), what=site.logs)
    site.app.command("DEL", site.app.key("warehouse", "queued"))

    wait_until(lambda: orders_in(site, "warehouse") == [1], what=site.logs)
    site.open("gate")
    wait_until(lambda: orders_in(site, "warehouse") == [1, 2], what=site.logs)
    assert (Pack.queue, Tell.queue) == ("warehouse", "payments")
