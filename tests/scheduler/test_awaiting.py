"""What programs that await can do."""

import asyncio
import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import buoy_scheduler
from buoy import App, ConfigurationError, Job
from buoy.testing import Clock, drain
from buoy_scheduler import (
    Delayed,
    Entry,
    EntryError,
    aenqueue_at,
    aenqueue_in,
    aenqueue_many_at,
    aenqueue_many_in,
    aget_schedule,
    aremove_schedule,
    aset_schedule,
    get_schedule,
)

LATER = datetime(2090, 1, 1, tzinfo=UTC)


class Remind(Job):
    def perform(self, user_id: int, text: str = "hello") -> None: ...


def test_jobs_are_due_later(buoy_app: App, buoy_clock: Clock) -> None:
    async def program() -> None:
        await aenqueue_in(timedelta(seconds=500), Remind, 1, text="hi")
        await aenqueue_many_in(500, Remind, [(2,), {"user_id": 3}])
        await aenqueue_at(LATER, Remind, 4)
        await aenqueue_many_at(LATER, Remind, [(5,)])
        with pytest.raises(
            ConfigurationError, match=r"^delay: expected a delay or a time, got None"
        ):
            await aenqueue_in(None, Remind, 1)  # type: ignore[call-overload]
        await buoy_app.aclose()

    asyncio.run(program())
    assert drain() == {}
    assert [view.args for view in Delayed(Remind)][3:] == [[4], [5]]
    buoy_clock.advance(500)
    assert drain() == {"done": 3}


def test_entries_are_set_and_removed(buoy_app: App) -> None:
    async def program() -> None:
        entry = await aset_schedule("noon", Remind, cron="0 12 * * *", args=[1])
        assert await aget_schedule() == get_schedule() == {"noon": entry}
        assert await aremove_schedule("noon")
        assert not await aremove_schedule("noon")
        with pytest.raises(EntryError, match=r"^schedule entry 'noon': cron: expected five"):
            await aset_schedule("noon", Remind, cron="x")
        await buoy_app.aclose()

    asyncio.run(program())
    assert get_schedule() == {}


TWINS = [name for name in buoy_scheduler.__all__ if name[1:] in buoy_scheduler.__all__]


@pytest.mark.parametrize("name", TWINS)
def test_a_twin_takes_and_returns_what_the_other_one_does(name: str) -> None:
    twin: Any = getattr(buoy_scheduler, name)
    function: Any = getattr(buoy_scheduler, name[1:])
    assert inspect.iscoroutinefunction(twin)
    assert twin.__name__ == name
    assert inspect.signature(twin) == inspect.signature(function)


def test_what_blocks_has_a_twin() -> None:
    assert len(TWINS) == 7
    assert inspect.signature(aset_schedule).return_annotation is Entry


def test_delayed_jobs_are_found_moved_and_removed(buoy_app: App, buoy_clock: Clock) -> None:
    async def program() -> None:
        for n, queue in enumerate(["default", "slow", "default", "slow"]):
            await Remind.using(queue=queue, delay=1000 * (n + 1)).aenqueue(n)
        some, all_of_them = Delayed(Remind, where=lambda view: view.args[0] < 2), Delayed()
        ids = [view.id async for view in all_of_them]
        assert ids == [view.id for view in all_of_them]
        assert [view.id async for view in Delayed(ids=ids[:0:-1])] == ids[1:]
        assert (await some.acount(), await all_of_them.acount(), some.count()) == (2, 4, 2)
        assert sorted(await some.amove(LATER)) == sorted(ids[:2])
        assert [view.args async for view in all_of_them] == [[2], [3], [0], [1]]
        assert await Delayed(queue="default", ids=[ids[0]]).aremove() == [ids[0]]
        assert sorted(await Delayed(Remind, (3,)).anow()) == [ids[3]]
        assert await Delayed(Remind, (3,)).aremove() == []
        assert await all_of_them.acount() == 2
        await buoy_app.aclose()

    asyncio.run(program())
    assert drain() == {"done": 1}
    assert [view.args for view in Delayed()] == [[2], [1]]
