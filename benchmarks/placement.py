"""Binds processes to cores. The placement alone can change figures threefold."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Placement:
    """Cores, by their index among those that this process may use."""

    name: str
    redis: int
    work: int
    """The worker with its processes, and the producer that enqueues as fast as it can."""
    watch: int
    """The harness, which sleeps most of the time."""


ONE_CORE = Placement("one core", redis=0, work=0, watch=1)
SPLIT = Placement("split", redis=0, work=1, watch=0)
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def placements() -> list[Placement]:
    """Returns the placements for which this machine has enough cores."""
    return [ONE_CORE, SPLIT] if len(CORES) != 1 else [ONE_CORE]


@contextmanager
def on(core: int) -> Iterator[None]:
    """Bind this process to a core: processes that it starts in the block inherit that."""
    if not CORES:  # macOS has no affinity: its figures vary more
        yield
        return
    this = psutil.Process()
    before = this.cpu_affinity()
    this.cpu_affinity([CORES[core % len(CORES)]])
    try:
        yield
    finally:
        this.cpu_affinity(before)
