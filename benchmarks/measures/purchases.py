"""Six purchases a second, each three calls of an API that takes a second: a real shop's load."""

import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from buoy.embedded.server import free_port

from .. import ours
from ..measure import Case, Column, Effort, Figures, Measure
from ..placement import Placement
from ..processes import Running
from ..stage import Stage, staged
from ..statistics import quantile
from ..subject import Subject

CALLS = 3
SLOTS = 19
PER_SECOND = 6.0
LIMIT = f"{SLOTS} slots / {CALLS} calls"
FIRST_SLOTS, MOST_SLOTS = 100, 3_200
WORTH = 1.1
"""Twice the slots must bring so much more, or the end is reached."""
FORK = replace(ours.FORK, app="benchmarks.apps.buoy_shop")
THREAD = replace(ours.THREAD, app="benchmarks.apps.buoy_shop")
ASYNC = replace(ours.ASYNC, app="benchmarks.apps.buoy_ashop")


@dataclass(frozen=True)
class Shop:
    """Where the purchases are made, and how long a call of the gateway takes."""

    placement: Placement
    call_seconds: float

    @property
    def seconds(self) -> float:
        return CALLS * self.call_seconds

    @contextmanager
    def opened(self, count: int) -> Iterator[tuple[Stage, dict[str, str]]]:
        """A stage with a gateway, and what tells jobs where that is."""
        port = free_port()
        words = [sys.executable, "-m", "benchmarks.gateway", str(port), str(self.call_seconds)]
        with staged(self.placement, count) as stage:
            log = stage.folder / "gateway.log"
            gateway = Running([words], self.placement.redis, os.environ, log)
            try:
                gateway.wait_until(lambda: listens(port), 10, "a gateway")
                yield stage, {"BENCH_GATEWAY": str(port)}
            finally:
                gateway.stop()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    shop = Shop(placements[-1], max(0.05, effort.scale))

    def row(name: str, play: partial[Figures], limit: str = "") -> Case:
        return Case(name, "buoy", shop.placement, play, limit=limit, once=True)

    ceiling = {"per_s": SLOTS / shop.seconds, "slots": SLOTS, "call_s": shop.call_seconds}
    yield Case(LIMIT, "limit", shop.placement, lambda: ceiling, once=True)
    backlog = partial(backlogged, shop, FORK, SLOTS)
    yield row(f"buoy fork, {SLOTS} slots, a backlog", backlog, LIMIT)
    yield row(f"buoy fork, {SLOTS} slots, {PER_SECOND:.0f} a second", partial(arriving, shop))
    yield row("buoy thread, the most", partial(the_most, shop, THREAD))
    yield row("buoy async, the most", partial(the_most, shop, ASYNC))


def backlogged(shop: Shop, subject: Subject, slots: int) -> Figures:
    """Work off a backlog; counted from the first round of all slots to the last."""
    count = 4 * slots
    with shop.opened(count) as (stage, environ):
        stage.produce(subject, "many", count, kind="purchase")
        with stage.working(subject, slots, environ) as worker:
            stage.finish(worker, slots, 60 + 5 * shop.seconds)
            before = stage.usage(worker)
            stage.finish(worker, count, 60 + 20 * shop.seconds)
            after = stage.usage(worker)
        ran = sorted(stage.board.ran)
        return {
            "per_s": (count - slots) / (ran[-1] - ran[slots - 1]),
            "worker_cpu_ms": after.per_job(before)["worker_cpu_ms"],
            "slots": slots,
            "call_s": shop.call_seconds,
        }


def arriving(shop: Shop) -> Figures:
    """Have them come as fast as the story says; how long do they wait, beside the calls?"""
    per_second = PER_SECOND / shop.call_seconds
    count = max(2 * SLOTS, round(8 * shop.seconds * per_second))
    with shop.opened(count) as (stage, environ), stage.working(FORK, SLOTS, environ) as worker:
        core = shop.placement.redis
        stage.produce(FORK, "paced", count, kind="purchase", seconds=1 / per_second, core=core)
        stage.finish(worker, count, 60 + 20 * shop.seconds)
        pairs = list(zip(stage.board.ran, stage.board.sent, strict=True))
    waits = [1000 * (ran - sent - shop.seconds) for ran, sent in pairs]
    ends = [ran for ran, _ in pairs]
    return {
        "per_s": (count - 1) / (max(ends) - min(ends)),
        "waited_p50_ms": quantile(waits, 0.5),
        "waited_p99_ms": quantile(waits, 0.99),
        "slots": SLOTS,
        "call_s": shop.call_seconds,
    }


def the_most(shop: Shop, subject: Subject) -> Figures:
    """Double the slots as long as that is worth it."""
    slots, best = FIRST_SLOTS, backlogged(shop, subject, FIRST_SLOTS)
    while slots < MOST_SLOTS * min(1.0, shop.call_seconds):
        slots *= 2
        figures = backlogged(shop, subject, slots)
        if figures["per_s"] < WORTH * best["per_s"]:
            break
        best = figures
    return best


MEASURE = Measure(
    name="purchases",
    title="A shop: purchases of three slow calls each",
    text="A purchase calls an HTTP API three times, one call after the other; the API answers "
    "each after the time in the last column. Nineteen forking slots have to do six a second; and "
    "what does one worker process sustain at most, with as many slots as still help?",
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
