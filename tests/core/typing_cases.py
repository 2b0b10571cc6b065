"""Read by type checkers, never run: each planted error is told by a ``type: ignore``.

Both mypy and pyright report an ignore that they do not need, so an error that they no longer see
is an error too. See test_typing.py.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import assert_type

import buoy
from buoy import RESULT, App, Handle, Job, current_job, job
from buoy.plugins.redis import JobView


class Charge(Job):
    queue = "purchasing"

    def perform(self, purchase_id: int, note: str = "", *, dry: bool = False) -> str:
        return f"{purchase_id} {note} {dry}"


class Fetch(Job):
    async def perform(self, url: str) -> int:
        return len(url)


class Family(Job):
    max_length = 10


class Refund(Charge):
    tags = ["money"]


class Sweep(Family):
    def perform(self) -> None: ...


@job(queue="mail", tags=("mail",))
def send(address: str, subject: str = "") -> float:
    return len(address + subject)


@job()
async def fetch(url: str) -> bytes:
    return url.encode()


@job
def bare(number: int) -> complex:
    return number * 1j


@job(base=Family, app=App(), check_types=True, timeout=5)
def based(day: date, *, dry: bool = False) -> str:
    return f"{day} {dry} {assert_type(current_job(), Job).attempt} {current_job(None)}"


@job()
def odd(first: int, /, *rest: int, **options: bool) -> list[int]:
    return [first, *rest, len(options)]


def classes() -> None:
    assert_type(Charge.enqueue(42), Handle[str])
    assert_type(Charge.enqueue(42, "x", dry=True), Handle[str])
    assert_type(Charge.enqueue(purchase_id=42, note="x"), Handle[str])
    assert_type(Refund.enqueue(42), Handle[str])
    assert_type(Sweep.enqueue(), Handle[None])

    Charge.enqueue()  # type: ignore[call-arg]
    Charge.enqueue("42")  # type: ignore[arg-type]
    Charge.enqueue(42, 7)  # type: ignore[arg-type]
    Charge.enqueue(42, "x", True)  # type: ignore[call-arg]
    Charge.enqueue(42, unknown=1)  # type: ignore[call-arg]
    Charge.enqueue(42, dry="yes")  # type: ignore[arg-type]
    Refund.enqueue(None)  # type: ignore[arg-type]
    Sweep.enqueue(1)  # type: ignore[call-arg]
    Family.enqueue()  # type: ignore[misc]
    Job.enqueue()  # type: ignore[misc]


def coroutines() -> None:
    assert_type(Fetch.enqueue("http://"), Handle[int])
    assert_type(Fetch.using(delay=5).enqueue("http://"), Handle[int])
    assert_type(buoy.enqueue(Fetch, "http://"), Handle[int])

    Fetch.enqueue(7)  # type: ignore[call-overload]
    Fetch.enqueue()  # type: ignore[call-overload]


def by_function() -> None:
    assert_type(buoy.enqueue(Charge, 42, dry=True), Handle[str])
    assert_type(buoy.enqueue(send, "ann@example.com"), Handle[float])

    buoy.enqueue(Charge)  # type: ignore[call-overload]
    buoy.enqueue(Charge, "42")  # type: ignore[call-overload]
    buoy.enqueue(Charge, 42, "x", True)  # type: ignore[call-overload]
    buoy.enqueue(Charge, 42, unknown=1)  # type: ignore[arg-type]
    buoy.enqueue(Family)  # type: ignore[call-overload]
    buoy.enqueue(int, 42)  # type: ignore[call-overload]


def varied() -> None:
    assert_type(Charge.using(queue="mail", id="a").enqueue(42), Handle[str])
    assert_type(Charge.using(delay=timedelta(minutes=1)).enqueue(42), Handle[str])
    assert_type(Charge.using(at=datetime.now(UTC)).enqueue(42, note="x"), Handle[str])

    Charge.using(delay=5).enqueue("42")  # type: ignore[arg-type]
    Charge.using(delay=5).enqueue()  # type: ignore[call-arg]
    Charge.using(delay=5).enqueue(42, unknown=1)  # type: ignore[call-arg]
    Charge.using(delay="5")  # type: ignore[arg-type]
    Charge.using(priority=5)  # type: ignore[arg-type]
    Charge.using(urgency=5)  # type: ignore[call-arg]
    assert_type(Charge.using(priority="high", front=True).enqueue(42), Handle[str])
    assert_type(Charge.using(timeout=5, expires=timedelta(hours=1)).enqueue(42), Handle[str])
    Charge.using(max_memory="5")  # type: ignore[arg-type]
    assert_type(Charge.using(tags=["vip", "eu"]).enqueue(42), Handle[str])
    assert_type(Charge.tags, Sequence[str])
    Charge.using(tags=[5])  # type: ignore[list-item]


def jobs_that_follow(run: Job) -> None:
    assert_type(Charge.then(Fetch, "http://").enqueue(42), Handle[str])
    assert_type(Fetch.then(Charge, RESULT).then(send, "a@b", subject="x").enqueue("u"), Handle[int])
    assert_type(send.using(delay=5).then(Charge.using(id="a"), 42).enqueue("a@b"), Handle[float])
    assert_type(run.enqueue_after_success(Charge, 42), Handle[str])
    assert_type(run.enqueue_after_success(Fetch, "http://"), Handle[int])
    assert_type(run.enqueue_after_success(Charge.using(delay=5), 42), Handle[str])
    assert_type(run.enqueue_after_success(Charge.then(Fetch, "u"), 42), Handle[str])
    with run.after_success():
        assert_type(Charge.enqueue(42), Handle[str])

    Charge.then(Fetch, 7)  # type: ignore[arg-type]
    Charge.then(Fetch, "u").enqueue("42")  # type: ignore[arg-type]
    Charge.then("Fetch")  # type: ignore[arg-type]
    run.enqueue_after_success(Charge, "42")  # type: ignore[call-overload]
    run.enqueue_after_success(Charge)  # type: ignore[call-overload]
    Family.using(delay=5)  # type: ignore[misc]


def many() -> None:
    assert_type(Charge.enqueue_many([(1,), (2, "x")]), list[Handle[str]])
    assert_type(Fetch.enqueue_many([("x",)]), list[Handle[int]])
    assert_type(bare.enqueue(1), Handle[complex])
    assert_type(bare(1), complex)
    bare.enqueue("x")  # type: ignore[arg-type]
    assert_type(send.enqueue_many([("x",)]), list[Handle[float]])
    assert_type(Charge.using(delay=5).enqueue_many([(1,), (2, "x")]), list[Handle[str]])

    Charge.enqueue_many([1, 2])  # type: ignore[list-item]
    Charge.enqueue_many(["ab"])  # type: ignore[list-item]


def functions() -> None:
    assert_type(send.enqueue("ann@example.com", subject="hi"), Handle[float])
    assert_type(send("ann@example.com"), float)
    assert_type(fetch.enqueue("http://"), Handle[bytes])
    assert_type(odd.enqueue(1, 2, 3, x=True), Handle[list[int]])
    assert_type(send.using(delay=5).enqueue("ann@example.com"), Handle[float])

    send.enqueue()  # type: ignore[call-arg]
    send.enqueue(7)  # type: ignore[arg-type]
    send.enqueue("ann@example.com", unknown=1)  # type: ignore[call-arg]
    odd.enqueue(1, "2")  # type: ignore[arg-type]
    odd.enqueue(1, x=7)  # type: ignore[arg-type]
    send(7)  # type: ignore[arg-type]
    job(priority=7)  # type: ignore[call-overload]
    job(base=int)  # type: ignore[arg-type]
    assert_type(based.enqueue(date(2026, 1, 2), dry=True), Handle[str])
    based.enqueue("2026-01-02")  # type: ignore[arg-type]
    assert_type(current_job("none"), Job | str)


def apps() -> None:
    app = App("redis://127.0.0.1")

    assert_type(app.push("other.Job", [1], queue="mail").state in ("queued", "exists"), bool)
    app.push("other.Job", [1])  # type: ignore[call-arg]
    app.push("other.Job", [1], queue="mail", priority="low", front=True, id="a", replace=True)
    app.push("other.Job", [1], queue="mail", priority=5)  # type: ignore[arg-type]
    app.push("other.Job", [1], queue="mail", urgency=5)  # type: ignore[call-arg]
    App(lease="30")  # type: ignore[arg-type]


async def awaiting() -> None:
    assert_type(await Charge.aenqueue(42, dry=True), Handle[str])
    assert_type(await buoy.aenqueue(Fetch, "http://"), Handle[int])
    assert_type(await Charge.using(delay=5).aenqueue(42), Handle[str])
    assert_type(await Fetch.aenqueue_many([("x",), {"url": "y"}]), list[Handle[int]])
    assert_type(await send.using(delay=5).aenqueue_many([("x",)]), list[Handle[float]])

    await Charge.aenqueue("42")  # type: ignore[arg-type]
    await buoy.aenqueue(Fetch)  # type: ignore[call-overload]
    await Charge.aenqueue_many([1, 2])  # type: ignore[list-item]


async def twins(app: App) -> None:
    assert_type(app.find("a", queue="mail"), JobView | None)
    assert_type(await app.afind("a", queue="mail"), JobView | None)
    assert_type(await app.adequeue(Charge, 42), list[str])
    assert_type(await app.areschedule(["a"], at=1.0), list[str])
    assert_type(await app.monitor.apeek("mail", count=5), list[JobView])
    assert_type(app.failures.find(Charge, queue="mail"), Iterator[JobView])
    assert_type(app.failures.afind(Charge, queue="mail"), AsyncIterator[JobView])

    app.find(7)  # type: ignore[arg-type]
    await app.afind(7)  # type: ignore[arg-type]
    await app.monitor.apeek("mail", number=5)  # type: ignore[call-arg]
    app.failures.afind(Charge, age=5)  # type: ignore[call-arg]
    app.failures.find(Charge, age=5)  # type: ignore[call-arg]
