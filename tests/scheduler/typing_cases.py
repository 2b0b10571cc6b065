"""Read by type checkers, never run: each planted error is marked by a ``type: ignore``."""

from datetime import UTC, datetime, timedelta
from typing import assert_type

from buoy import Handle, Job
from buoy_scheduler import (
    Cron,
    Delayed,
    Entry,
    aenqueue_at,
    aenqueue_in,
    aenqueue_many_in,
    aget_schedule,
    aset_schedule,
    enqueue_at,
    enqueue_in,
    enqueue_many_at,
    enqueue_many_in,
    set_schedule,
)

SOON = datetime.now(UTC)


class Remind(Job):
    plugins = [Cron("@daily", tz="Europe/Berlin", args=[1], missed="skip", overlap=False)]

    def perform(self, user_id: int, text: str = "") -> str:
        return f"{user_id} {text}"


class Fetch(Job):
    async def perform(self, url: str) -> int:
        return len(url)


class Family(Job):
    pass


def in_seconds() -> None:
    assert_type(enqueue_in(5, Remind, 42), Handle[str])
    assert_type(enqueue_in(0.5, Remind, 42, text="x"), Handle[str])
    assert_type(enqueue_in(timedelta(days=5), Remind, user_id=42), Handle[str])
    assert_type(enqueue_in(5, Fetch, "http://"), Handle[int])

    enqueue_in(5, Remind)  # type: ignore[call-overload]
    enqueue_in(5, Remind, "42")  # type: ignore[call-overload]
    enqueue_in(5, Fetch, 42)  # type: ignore[call-overload]
    enqueue_in("5", Remind, 42)  # type: ignore[call-overload]
    enqueue_in(5, Family)  # type: ignore[call-overload]
    enqueue_in(5, int, 42)  # type: ignore[call-overload]


def at_a_time() -> None:
    assert_type(enqueue_at(SOON, Remind, 42), Handle[str])
    assert_type(enqueue_at(SOON, Fetch, "http://"), Handle[int])

    enqueue_at(SOON, Remind, "42")  # type: ignore[call-overload]
    enqueue_at(SOON, Remind, 42, 7)  # type: ignore[call-overload]
    enqueue_at("soon", Remind, 42)  # type: ignore[call-overload]


def many() -> None:
    assert_type(enqueue_many_in(5, Remind, [(1,), (2, "x")]), list[Handle[str]])
    assert_type(enqueue_many_at(SOON, Fetch, [("a",)]), list[Handle[int]])

    enqueue_many_at("soon", Remind, [(1,)])  # type: ignore[call-overload]
    enqueue_many_in(5, Family, [()])  # type: ignore[arg-type]


def selected() -> None:
    assert_type(Delayed(Remind, (42,)).count(), int)
    assert_type(Delayed(where=lambda view: view.attempt > 1).remove(), list[str])
    Delayed(Remind).move(SOON)

    Delayed(Remind).move("soon")  # type: ignore[arg-type]
    Delayed(ids=5)  # type: ignore[arg-type]
    Delayed(where=lambda view: view.nothing)  # type: ignore[attr-defined]


def recurring() -> None:
    assert_type(set_schedule("a", Remind, cron="@daily", args=[1]), Entry)
    set_schedule("a", "shop.Remind", every=timedelta(minutes=5), queue="mail", missed=7)

    set_schedule("a", Remind, missed="never")  # type: ignore[arg-type]
    set_schedule("a", 5, every="1h")  # type: ignore[arg-type]
    Cron(5)  # type: ignore[arg-type]
    Cron("@daily", missed="never")  # type: ignore[arg-type]
    Cron("@daily", zone="UTC")  # type: ignore[call-arg]


async def awaiting() -> None:
    assert_type(await aenqueue_in(5, Remind, 42), Handle[str])
    assert_type(await aenqueue_at(SOON, Fetch, "http://"), Handle[int])
    assert_type(await aenqueue_many_in(5, Remind, [(1,)]), list[Handle[str]])
    assert_type(await aset_schedule("a", Remind, cron="@daily", args=[1]), Entry)
    assert_type(await aget_schedule(), dict[str, Entry])

    await aenqueue_in(5, Remind, "42")  # type: ignore[call-overload]
    await aset_schedule("a", Remind, missed="never")  # type: ignore[arg-type]
