"""From enqueueing to running, on a worker that has nothing else to do."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from .. import ours
from ..measure import Case, Column, Effort, Figures, Measure, case
from ..placement import Placement
from ..stage import staged
from ..statistics import quantile
from ..subject import Subject

QUEUES = 20
BUSY, SLOTS = 7, 8
PAUSE = 0.05
SETTLE = 0.3
"""Seconds until a worker that has just done something is idle again."""


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    placement = placements[-1]
    for subject in [ours.POP, *ours.EXECUTORS, *subjects]:
        play = partial(latency, subject, placement, effort)
        limit = ours.POP.name if subject.kind == "buoy" else ""
        yield case(subject, placement, play, limit, once=effort.brief)
    if effort.brief:
        return
    for subject in (ours.INLINE, ours.THREAD, ours.FORK):
        many = renamed(subject, f"{QUEUES} queues")
        play = partial(latency, many, placement, effort, queues=QUEUES)
        yield case(many, placement, play, ours.POP.name)
    for subject in (ours.THREAD, ours.FORK):
        busy = renamed(subject, f"{BUSY} of {SLOTS} slots busy")
        play = partial(latency, busy, placement, effort, busy=BUSY)
        yield case(busy, placement, play, ours.POP.name)


def renamed(subject: Subject, how: str) -> Subject:
    return replace(subject, name=f"{subject.name}, {how}", compared=False)


def latency(
    subject: Subject, placement: Placement, effort: Effort, queues: int = 1, busy: int = 0
) -> Figures:
    """Enqueue one job after the other, each long after the last has run."""
    first, count = busy + queues, effort.amount(200)
    environ = {"BENCH_QUEUES": str(queues)}
    subject = ours.serving(subject, queues)
    with staged(placement, first + count) as stage:
        if busy:
            stage.produce(subject, "each", busy, kind="hold")
        stage.produce(subject, "each", queues, first=busy, environ=environ)
        with stage.working(subject, SLOTS if busy else None) as worker:
            stage.finish(worker, first, 60)
            time.sleep(SETTLE)
            # The producer sits beside Redis, so that the worker is what has to be woken.
            stage.produce(
                subject,
                "paced",
                count,
                first=first,
                seconds=PAUSE,
                core=placement.redis,
                environ=environ,
            )
            stage.finish(worker, first + count, 60)
        ran, sent = list(stage.board.ran)[first:], list(stage.board.sent)[first:]
        waits = [1000 * (end - start) for end, start in zip(ran, sent, strict=True)]
        warm = waits[count // 20 :]
        return {
            "p50_ms": quantile(warm, 0.5),
            "p99_ms": quantile(warm, 0.99),
            "max_ms": max(warm),
        }


MEASURE = Measure(
    name="latency",
    title="From enqueueing to running, on an idle worker",
    text=f"One job at a time, with a pause of {1000 * PAUSE:.0f} ms in between; ms from before the "
    "call that enqueues to the job's own note that it runs. The limit pops blockingly, decodes and "
    "calls.",
    columns=(Column("p50_ms", "p50 ms"), Column("p99_ms", "p99 ms"), Column("max_ms", "max ms")),
    cases=cases,
    more_is_better=False,
    quick=True,
)
