"""Read by type checkers, never run: see tests/core/typing_cases.py."""

from typing import assert_type

from buoy import Handle, Job, job
from buoy_loner import Loner, aholder, holder


class Charge(Job):
    plugins = [Loner(until="started", key="purchase_id", on_conflict="raise")]

    def perform(self, purchase_id: int, note: str = "", *, dry: bool = False) -> str:
        return f"{purchase_id} {note} {dry}"


class Fetch(Job):
    plugins = [Loner(key=("url", "depth"))]

    async def perform(self, url: str, depth: int = 1) -> int:
        return len(url) + depth


@job(plugins=[Loner(key=())])
def send(address: str, subject: str = "") -> float:
    return len(address + subject)


def options() -> None:
    Loner()
    Loner("started")  # type: ignore[call-arg]
    Loner(until="done")  # type: ignore[arg-type]
    Loner(on_conflict="wait")  # type: ignore[arg-type]
    Loner(key=["account"])  # type: ignore[arg-type]
    Loner(key=("account", 1))  # type: ignore[arg-type]
    Loner(ttl=60)  # type: ignore[call-arg]
    Loner().until = "started"  # type: ignore[misc]


def handles() -> None:
    assert_type(Charge.enqueue(42), Handle[str])
    assert_type(Charge.enqueue(42).holder, str | None)


async def aholders() -> None:
    assert_type(await aholder(Charge, 42, "x", dry=True), str | None)
    await aholder(Charge, "42")  # type: ignore[arg-type]


def holders() -> None:
    assert_type(holder(Charge, 42), str | None)
    assert_type(holder(Charge, 42, "x", dry=True), str | None)
    assert_type(holder(Charge, purchase_id=42), str | None)
    assert_type(holder(Fetch, "http://"), str | None)
    assert_type(holder(send, "ann@example.com", subject="hi"), str | None)

    holder(Charge)  # type: ignore[call-arg]
    holder(Charge, "42")  # type: ignore[arg-type]
    holder(Charge, 42, "x", True)  # type: ignore[call-arg]
    holder(Charge, 42, unknown=1)  # type: ignore[call-arg]
    holder(Fetch, 7)  # type: ignore[arg-type]
    holder(send)  # type: ignore[call-arg]
    holder(Job)  # type: ignore[arg-type]
    holder(int, 42)  # type: ignore[arg-type]
