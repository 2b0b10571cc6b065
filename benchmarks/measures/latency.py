"""The time from enqueueing to running, on an idle worker."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from .. import buoy_rows
from ..measure import Case, Column, Effort, Figures, Measure, case
from ..placement import Placement
from ..sandbox import new_sandbox
from ..statistics import quantile
from ..subject import Subject

QUEUES = 20
BUSY, SLOTS = 7, 8
PAUSE = 0.05
SETTLE = 0.3
"""Seconds until a worker is idle after a job."""


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    placement = placements[-1]
    for subject in [buoy_rows.POP, *buoy_rows.EXECUTORS, *subjects]:
        run = partial(latency, subject, placement, effort)
        limit = buoy_rows.POP.name if subject.kind == "buoy" else ""
        yield case(subject, placement, run, limit, once=effort.brief)
    if effort.brief:
        return
    for subject in (buoy_rows.INLINE, buoy_rows.THREAD, buoy_rows.FORK):
        many = renamed(subject, f"{QUEUES} queues")
        run = partial(latency, many, placement, effort, queues=QUEUES)
        yield case(many, placement, run, buoy_rows.POP.name)
    for subject in (buoy_rows.THREAD, buoy_rows.FORK):
        busy = renamed(subject, f"{BUSY} of {SLOTS} slots busy")
        run = partial(latency, busy, placement, effort, busy=BUSY)
        yield case(busy, placement, run, buoy_rows.POP.name)


def renamed(subject: Subject, how: str) -> Subject:
    return replace(subject, name=f"{subject.name}, {how}", compared=False)


def latency(
    subject: Subject, placement: Placement, effort: Effort, queues: int = 1, busy: int = 0
) -> Figures:
    """Enqueue one job after the other, each long after the one before has run."""
    first, count = busy + queues, effort.amount(200)
    environ = {"BENCH_QUEUES": str(queues)}
    subject = buoy_rows.serving(subject, queues)
    with new_sandbox(placement, first + count) as sandbox:
        if busy:
            sandbox.produce(subject, "each", busy, kind="hold")
        sandbox.produce(subject, "each", queues, first=busy, environ=environ)
        with sandbox.start_worker(subject, SLOTS if busy else None) as worker:
            sandbox.wait_for_jobs(worker, first, 60)
            time.sleep(SETTLE)
            # The producer sits beside Redis, so that the worker is what has to be woken.
            sandbox.produce(
                subject,
                "paced",
                count,
                first=first,
                seconds=PAUSE,
                core=placement.redis,
                environ=environ,
            )
            sandbox.wait_for_jobs(worker, first + count, 60)
        ran, sent = list(sandbox.board.ran)[first:], list(sandbox.board.sent)[first:]
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
    text=f"One job at a time, with a pause of {1000 * PAUSE:.0f} ms between two jobs. ms from the "
    "begin of the call that enqueues to the first line of the job. The limit waits in a blocking "
    "pop, decodes, and calls.",
    columns=(Column("p50_ms", "p50 ms"), Column("p99_ms", "p99 ms"), Column("max_ms", "max ms")),
    cases=cases,
    more_is_better=False,
    quick=True,
)
