"""The memory of an idle worker, and what a running child adds."""

import time
from collections.abc import Iterator, Sequence
from functools import partial

from .. import buoy_rows
from ..measure import Case, Column, Effort, Figures, Measure, case
from ..placement import Placement
from ..sandbox import new_sandbox
from ..subject import Subject

SETTLE = 0.5


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    placement = placements[-1]
    for subject in [buoy_rows.POP, *buoy_rows.EXECUTORS, buoy_rows.BIG_FORK, *subjects]:
        run = partial(memory, subject, placement)
        yield case(subject, placement, run, buoy_rows.POP.name if subject.kind == "buoy" else "")


def memory(subject: Subject, placement: Placement) -> Figures:
    """Measure a worker that has run one job, and again while it runs one."""
    with new_sandbox(placement, 2) as sandbox:
        sandbox.produce(subject, "each", 1)
        with sandbox.start_worker(subject, 1 if subject.one_at_a_time else None) as worker:
            sandbox.wait_for_jobs(worker, 1, 60)
            time.sleep(SETTLE)
            idle = worker.pss()
            figures = {"pss_mb": sum(idle), "processes": len(idle)}
            if subject.forks and subject.kind == "buoy":
                sandbox.produce(subject, "each", 1, kind="hold", first=1)
                sandbox.wait_for_jobs(worker, 2, 60)
                time.sleep(SETTLE)
                figures["child_mb"] = sum(worker.pss()) - sum(idle)
            return figures


MEASURE = Measure(
    name="memory",
    title="Memory of an idle worker",
    text="MB, proportional: memory that processes share is divided among them. Each system has its "
    "default number of slots. The limit is a process with Python and redis-py. The last column: "
    "the memory that a running child does not share with its parent.",
    columns=(
        Column("pss_mb", "MB"),
        Column("processes", "processes"),
        Column("child_mb", "a running child adds MB"),
    ),
    cases=cases,
    more_is_better=False,
)
