"""The load of a shop: six purchases a second, each with three calls of a slow API (1 s)."""

import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from buoy.embedded.server import free_port

from .. import buoy_rows
from ..measure import Case, Column, Effort, Figures, Measure
from ..placement import Placement
from ..processes import MeasuredProcesses
from ..sandbox import Sandbox, new_sandbox
from ..statistics import quantile
from ..subject import Subject

CALLS = 3
SLOTS = 19
PER_SECOND = 6.0
LIMIT = f"{SLOTS} slots / {CALLS} calls"
FIRST_SLOTS, MOST_SLOTS = 100, 3_200
WORTHWHILE_GAIN = 1.1
"""Twice the slots must increase the throughput by this factor, or the search ends."""
FORK = replace(buoy_rows.FORK, app="benchmarks.apps.buoy_shop")
THREAD = replace(buoy_rows.THREAD, app="benchmarks.apps.buoy_shop")
ASYNC = replace(buoy_rows.ASYNC, app="benchmarks.apps.buoy_ashop")


@dataclass(frozen=True)
class Shop:
    """The placement, and how long a call of the gateway takes (seconds)."""

    placement: Placement
    call_seconds: float

    @property
    def seconds(self) -> float:
        return CALLS * self.call_seconds

    @contextmanager
    def open(self, count: int) -> Iterator[tuple[Sandbox, dict[str, str]]]:
        """Gives a sandbox with a gateway, and the environment variable of its port."""
        port = free_port()
        words = [sys.executable, "-m", "benchmarks.gateway", str(port), str(self.call_seconds)]
        with new_sandbox(self.placement, count) as sandbox:
            log = sandbox.folder / "gateway.log"
            gateway = MeasuredProcesses([words], self.placement.redis, os.environ, log)
            try:
                gateway.wait_until(lambda: listens(port), 10, "a gateway")
                yield sandbox, {"BENCH_GATEWAY": str(port)}
            finally:
                gateway.stop()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    shop = Shop(placements[-1], max(0.05, effort.scale))

    def row(name: str, run: partial[Figures], limit: str = "") -> Case:
        return Case(name, "buoy", shop.placement, run, limit=limit, once=True)

    ceiling = {"per_s": SLOTS / shop.seconds, "slots": SLOTS, "call_s": shop.call_seconds}
    yield Case(LIMIT, "limit", shop.placement, lambda: ceiling, once=True)
    backlog = partial(drain_backlog, shop, FORK, SLOTS)
    yield row(f"buoy fork, {SLOTS} slots, a backlog", backlog, LIMIT)
    yield row(
        f"buoy fork, {SLOTS} slots, {PER_SECOND:.0f} a second", partial(steady_arrivals, shop)
    )
    yield row("buoy thread, the most", partial(highest_throughput, shop, THREAD))
    yield row("buoy async, the most", partial(highest_throughput, shop, ASYNC))


def drain_backlog(shop: Shop, subject: Subject, slots: int) -> Figures:
    """Drain a backlog. The first run of all slots is not counted."""
    count = 4 * slots
    with shop.open(count) as (sandbox, environ):
        sandbox.produce(subject, "many", count, kind="purchase")
        with sandbox.start_worker(subject, slots, environ) as worker:
            sandbox.wait_for_jobs(worker, slots, 60 + 5 * shop.seconds)
            before = sandbox.usage(worker)
            sandbox.wait_for_jobs(worker, count, 60 + 20 * shop.seconds)
            after = sandbox.usage(worker)
        ran = sorted(sandbox.board.ran)
        return {
            "per_s": (count - slots) / (ran[-1] - ran[slots - 1]),
            "worker_cpu_ms": after.per_job(before)["worker_cpu_ms"],
            "slots": slots,
            "call_s": shop.call_seconds,
        }


def steady_arrivals(shop: Shop) -> Figures:
    """Enqueue purchases at a steady rate, and measure how long they wait."""
    per_second = PER_SECOND / shop.call_seconds
    count = max(2 * SLOTS, round(8 * shop.seconds * per_second))
    with (
        shop.open(count) as (sandbox, environ),
        sandbox.start_worker(FORK, SLOTS, environ) as worker,
    ):
        core = shop.placement.redis
        sandbox.produce(FORK, "paced", count, kind="purchase", seconds=1 / per_second, core=core)
        sandbox.wait_for_jobs(worker, count, 60 + 20 * shop.seconds)
        pairs = list(zip(sandbox.board.ran, sandbox.board.sent, strict=True))
    waits = [1000 * (ran - sent - shop.seconds) for ran, sent in pairs]
    ends = [ran for ran, _ in pairs]
    return {
        "per_s": (count - 1) / (max(ends) - min(ends)),
        "waited_p50_ms": quantile(waits, 0.5),
        "waited_p99_ms": quantile(waits, 0.99),
        "slots": SLOTS,
        "call_s": shop.call_seconds,
    }


def highest_throughput(shop: Shop, subject: Subject) -> Figures:
    """Double the slots until that no longer increases the throughput; returns the best."""
    slots, best = FIRST_SLOTS, drain_backlog(shop, subject, FIRST_SLOTS)
    while slots < MOST_SLOTS * min(1.0, shop.call_seconds):
        slots *= 2
        figures = drain_backlog(shop, subject, slots)
        if figures["per_s"] < WORTHWHILE_GAIN * best["per_s"]:
            break
        best = figures
    return best


MEASURE = Measure(
    name="purchases",
    title="A shop: purchases of three slow calls each",
    text="A purchase calls an HTTP API three times, one call after the other; the API answers each "
    "call after the time in the last column. The first rows: 19 forking slots must do six "
    "purchases a second. The other rows: the most that one worker process can do, with as many "
    "slots as increase that.",
    columns=(
        Column("per_s", "purchases/s"),
        Column("slots", "slots"),
        Column("worker_cpu_ms", "worker CPU ms"),
        Column("waited_p50_ms", "waited p50 ms"),
        Column("waited_p99_ms", "waited p99 ms"),
        Column("call_s", "s a call"),
    ),
    cases=cases,
    ranked=False,
)
