"""Delayed jobs: how long after their due time they run."""

from collections.abc import Iterator, Sequence
from functools import partial

from .. import buoy_rows
from ..measure import Case, Column, Effort, Figures, Measure
from ..placement import Placement
from ..sandbox import new_sandbox
from ..statistics import quantile
from ..subject import Subject

AT_ONCE, SPREAD, SECONDS = 1_000, 10_000, 10.0
FORKED = 1_000
"""One core cannot fork ten thousand times in ten seconds."""


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    placement = placements[-1]
    seconds = max(1.0, SECONDS * effort.scale)
    for subject in (buoy_rows.INLINE, buoy_rows.THREAD, buoy_rows.FORK):
        spread = FORKED if subject.forks else SPREAD
        for whole, over in ((AT_ONCE, 0.0), (spread, seconds)):
            count = effort.amount(whole)
            when = f"{count:,} over {over:g} s" if over else f"{count:,} at once"
            run = partial(late, subject, placement, count, over)
            yield Case(f"{subject.name}: {when}".replace(",", " "), "buoy", placement, run)


def late(subject: Subject, placement: Placement, count: int, seconds: float) -> Figures:
    """Enqueue jobs that are due later, and measure how late they run."""
    with new_sandbox(placement, count) as sandbox, sandbox.start_worker(subject) as worker:
        sandbox.produce(subject, "due", count, seconds=seconds, core=placement.redis)
        sandbox.wait_for_jobs(worker, count, seconds + 60)
        pairs = zip(sandbox.board.ran, sandbox.board.sent, strict=True)
        late = [1000 * (ran - due) for ran, due in pairs]
        return {
            "p50_ms": quantile(late, 0.5),
            "p99_ms": quantile(late, 0.99),
            "max_ms": max(late),
            "earliest_ms": min(late),
        }


MEASURE = Measure(
    name="delayed",
    title="Delayed jobs: how late they run",
    text="How many ms after its due time each job runs. Where all jobs are due at once, one worker "
    "with one slot (thread: ten slots) runs them one after another, so the last jobs wait for "
    "those before them.",
    columns=(
        Column("p50_ms", "p50 ms"),
        Column("p99_ms", "p99 ms"),
        Column("max_ms", "max ms"),
        Column("earliest_ms", "earliest ms"),
    ),
    cases=cases,
    ranked=False,
    more_is_better=False,
)
