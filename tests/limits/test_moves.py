"""A move to another queue: the jobs that stay keep their places, and their times."""

from collections.abc import Sequence
from typing import Any

import pytest

from buoy import App
from buoy.connection.client import RedisSteps
from buoy.model.reservation import Reservation, RoundTripRequest, Settlement
from buoy.operations.control import Taken
from buoy.operations.move import Move
from buoy.testing import drain

from .shop import Charge, Export, Slow, Sync

QUEUE = "purchasing"


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("buoy.operations.move.PAGE_SIZE", 3)


def in_line(app: App) -> list[str]:
    members = app.command("ZRANGE", app.key(QUEUE, "lines"), 0, -1)
    return [member.decode().split("\n")[2] for member in members]


def places(app: App) -> dict[str, Any]:
    """Where all jobs of the queue are, in their order, with the times of delayed ones."""
    delayed = app.command("ZRANGE", app.key(QUEUE, "delayed"), 0, -1, "WITHSCORES")
    queued = app.monitor.queued_ids(QUEUE, 1000)
    return {"queued": queued, "in line": in_line(app), "delayed": delayed}


def have_been_elsewhere(app: App, *ids: str) -> None:
    """The other queue knows that these jobs have ended there, so it takes none of them."""
    seconds, _ = app.command("TIME")
    ended = [word for id in ids for word in (int(seconds) * 1000, id)]
    app.command("ZADD", app.key("slow", "ended"), *ended)


def run_one(app: App) -> Reservation:
    trip = RoundTripRequest(QUEUE, 1, wanted=1)
    [held] = app.broker.advance_queue("one", trip).reservations
    return held


@pytest.mark.parametrize("job", [Charge, Export, Slow])
def test_jobs_that_stay_keep_their_places_and_times(buoy_app: App, job: Any) -> None:
    ids = [job.enqueue(1).id for _ in range(9)]
    have_been_elsewhere(buoy_app, *ids)
    before = places(buoy_app)

    moved = buoy_app.move(QUEUE, "slow")

    assert (moved.count, set(moved.skipped)) == (0, set(ids))
    assert places(buoy_app) == before
    assert not buoy_app.repair(QUEUE)


def test_a_few_that_stay_in_a_line_keep_their_order(buoy_app: App) -> None:
    ids = [Charge.enqueue(1).id for _ in range(12)]
    have_been_elsewhere(buoy_app, *ids[1::3])

    moved = buoy_app.move(QUEUE, "slow")

    assert (moved.count, list(moved.skipped)) == (8, ids[1::3])
    assert buoy_app.monitor.queued_ids(QUEUE, 10) + in_line(buoy_app) == ids[1::3]


def test_the_first_of_a_line_gets_the_permit_that_is_given_back_meanwhile(buoy_app: App) -> None:
    ids = [Sync.enqueue(1).id for _ in range(4)]
    have_been_elsewhere(buoy_app, *ids)
    held = [run_one(buoy_app)]

    class Meanwhile(Move):
        def take(self, ids: Sequence[str]) -> RedisSteps[list[Taken]]:
            taken = yield from super().take(ids)
            while held:
                done = [Settlement.of(held.pop(), "done")]
                buoy_app.broker.advance_queue("one", RoundTripRequest(QUEUE, 2, settlements=done))
            return taken

    move = Meanwhile(buoy_app.control, buoy_app.monitor, QUEUE, "slow")
    buoy_app.run_steps(move.run())

    assert places(buoy_app) == {"queued": ids[1:2], "in line": ids[2:], "delayed": []}


def test_a_job_whose_tenant_has_its_turn_is_not_let_in_by_a_move(buoy_app: App) -> None:
    ids = [Export.enqueue(account).id for account in (1, 1, 1, 2)]
    have_been_elsewhere(buoy_app, *ids)

    buoy_app.move(QUEUE, "slow")

    assert buoy_app.monitor.queued_ids(QUEUE, 10) == [ids[0], ids[3]]
    assert drain(buoy_app) == {"done": 4}
    assert buoy_app.command("EXISTS", buoy_app.key(QUEUE, "claims")) == 0
