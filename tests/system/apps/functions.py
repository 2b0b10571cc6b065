"""Functions that are jobs: they know their run, and get what they declare."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import buoy

from .concurrent import opened
from .record import note, wait_for

shared = ThreadPoolExecutor(2)
"""Its threads outlive the job that has started them, except under fork."""


@dataclass
class Order:
    day: date
    amount: Decimal


def known() -> str:
    """The id of the job to which this thread or task belongs."""
    return buoy.current_job().id


def in_thread() -> str:
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(known()))
    thread.start()
    thread.join()
    return found[0]


def in_pools() -> list[str]:
    with ThreadPoolExecutor(2) as own:
        pools = (own, shared)
        return [id for pool in pools for id in pool.map(lambda _: known(), range(2))]


def tell(order: Order, ids: list[str]) -> None:
    job = buoy.current_job()
    assert order == Order(date(2026, 11, 30), Decimal("2.50")), order
    note("knows" if set(ids) == {job.id} else f"mistakes {ids}", f"{job.id} {job.attempt}")


@buoy.job
def look(order: Order, number: int) -> None:
    """Looks in many places. Two at once if there are threads for it."""
    ids = [known(), in_thread(), *in_pools()]
    time.sleep(0.01 * number)
    tell(order, [*ids, *in_pools(), known()])


@buoy.job
async def look_soon(order: Order, number: int) -> None:
    """Looks in many places, while others do so, too."""

    async def task() -> str:
        await asyncio.sleep(0.01 * number)
        return known()

    loop = asyncio.get_running_loop()
    ids = await asyncio.gather(task(), asyncio.create_task(task()), asyncio.to_thread(known))
    tell(order, [*ids, await loop.run_in_executor(None, known), await asyncio.to_thread(in_thread)])


@buoy.job
def heed() -> None:
    """Works until it is cancelled."""
    job = buoy.current_job()
    note("began", job.id)
    while not job.cancelled():
        time.sleep(0.005)
    note("cancelled", job.id)


@buoy.job
def wait_long(gate: str) -> None:
    wait_for(gate)


@buoy.job
async def wait_soon(gate: str) -> None:
    await opened(gate)
