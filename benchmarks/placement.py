"""Which core does what. Placement alone moves figures threefold, so it is never left to chance."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Placement:
    """Cores, by their place among those that this process may use; None lets them float."""

    name: str
    redis: int
    work: int
    """The worker with all that it starts, and the producer that enqueues as fast as it can."""
    watch: int
    """The harness, which mostly sleeps."""


ONE_CORE = Placement("one core", redis=0, work=0, watch=1)
SPLIT = Placement("split", redis=0, work=1, watch=0)
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def placements() -> list[Placement]:
    """Those that this machine has cores for."""
    return [ONE_CORE, SPLIT] if len(CORES) != 1 else [ONE_CORE]


@contextmanager
def on(core: int) -> Iterator[None]:
    """What is started within is bound to this core, with all its children."""
    if not CORES:  # macOS knows no affinity: the figures are looser there
        yield
        return
    this = psutil.Process()
    before = this.cpu_affinity()
    this.cpu_affinity([CORES[core % len(CORES)]])
    try:
        yield
    finally:
        this.cpu_affinity(before)
