"""Delayed jobs: how late after their time they run."""

from collections.abc import Iterator, Sequence
from functools import partial

from .. import ours
from ..measure import Case, Column, Effort, Figures, Measure
from ..placement import Placement
from ..stage import staged
from ..statistics import quantile
from ..subject import Subject

AT_ONCE, SPREAD, SECONDS = 1_000, 10_000, 10.0
FORKED = 1_000
"""Ten seconds do not suffice for one core to fork ten thousand times."""


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    placement = placements[-1]
    seconds = max(1.0, SECONDS * effort.scale)
    for subject in (ours.INLINE, ours.THREAD, ours.FORK):
        spread = FORKED if subject.forks else SPREAD
        for whole, over in ((AT_ONCE, 0.0), (spread, seconds)):
            count = effort.amount(whole)
            when = f"{count:,} over {over:g} s" if over else f"{count:,} at once"
            play = partial(late, subject, placement, count, over)
            yield Case(f"{subject.name}: {when}".replace(",", " "), "buoy", placement, play)


def late(subject: Subject, placement: Placement, count: int, seconds: float) -> Figures:
    """Enqueue jobs that are due in a while, and see by how much they miss their time."""
    with staged(placement, count) as stage, stage.working(subject) as worker:
        stage.produce(subject, "due", count, seconds=seconds, core=placement.redis)
        stage.finish(worker, count, seconds + 60)
        pairs = zip(stage.board.ran, stage.board.sent, strict=True)
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
    text="ms after the time for which each was enqueued. What is due at once has to be worked off "
    "by one worker with one slot (thread: ten), so its last jobs wait for those before them.",
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
