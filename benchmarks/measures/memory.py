"""What an idle worker holds, and what a running child adds."""

import time
from collections.abc import Iterator, Sequence
from functools import partial

from .. import ours
from ..measure import Case, Column, Effort, Figures, Measure, case
from ..placement import Placement
from ..stage import staged
from ..subject import Subject

SETTLE = 0.5


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    placement = placements[-1]
    for subject in [ours.POP, *ours.EXECUTORS, ours.BIG_FORK, *subjects]:
        play = partial(memory, subject, placement)
        yield case(subject, placement, play, ours.POP.name if subject.kind == "buoy" else "")


def memory(subject: Subject, placement: Placement) -> Figures:
    """Weigh a worker that has done one job; and again while it runs one."""
    with staged(placement, 2) as stage:
        stage.produce(subject, "each", 1)
        with stage.working(subject, 1 if subject.one_at_a_time else None) as worker:
            stage.finish(worker, 1, 60)
            time.sleep(SETTLE)
            idle = worker.pss()
            figures = {"pss_mb": sum(idle), "processes": len(idle)}
            if subject.forks and subject.kind == "buoy":
                stage.produce(subject, "each", 1, kind="hold", first=1)
                stage.finish(worker, 2, 60)
                time.sleep(SETTLE)
                figures["child_mb"] = sum(worker.pss()) - sum(idle)
            return figures


MEASURE = Measure(
    name="memory",
    title="Memory of an idle worker",
    text="MB, proportional: what processes share is divided among them. With the number of slots "
    "that a system has by default. The limit holds Python and redis-py. A running child adds what "
    "it does not share with its parent.",
    columns=(
        Column("pss_mb", "MB"),
        Column("processes", "processes"),
        Column("child_mb", "a running child adds MB"),
    ),
    cases=cases,
    more_is_better=False,
)
