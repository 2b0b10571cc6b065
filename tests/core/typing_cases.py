"""Read by type checkers, never run: each planted error is told by a ``type: ignore``.

Both mypy and pyright report an ignore that they do not need, so an error that they no longer see
is an error too. See test_typing.py.
"""

from datetime import UTC, datetime, timedelta
from typing import assert_type

import buoy
from buoy import App, Handle, Job, job


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
    pass


class Sweep(Family):
    def perform(self) -> None: ...


@job(queue="mail")
def send(address: str, subject: str = "") -> float:
    return len(address + subject)


@job()
async def fetch(url: str) -> bytes:
    return url.encode()


@job
def bare(number: int) -> complex:
    return number * 1j


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
    Charge.using(priority=5)  # type: ignore[call-arg]
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


def apps() -> None:
    app = App("redis://127.0.0.1")

    assert_type(app.push("other.Job", [1], queue="mail").state in ("queued", "exists"), bool)
    app.push("other.Job", [1])  # type: ignore[call-arg]
    App(lease="30")  # type: ignore[arg-type]
