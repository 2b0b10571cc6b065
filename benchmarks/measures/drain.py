"""Empty jobs, enqueued before: how many a second one worker runs, and the cost of each."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, partial

from .. import buoy_rows
from ..measure import Case, Column, Effort, Figures, Measure, case
from ..placement import Placement
from ..processes import MeasurementError
from ..sandbox import new_sandbox
from ..subject import Subject

LIMITS = {
    buoy_rows.INLINE.name: buoy_rows.LOOP,
    buoy_rows.THREAD.name: buoy_rows.LOOP,
    buoy_rows.ASYNC.name: buoy_rows.LOOP,
    buoy_rows.PLUGINS.name: buoy_rows.LOOP,
    buoy_rows.STEPS.name: buoy_rows.LOOP,
    buoy_rows.CHECKPOINTS.name: buoy_rows.LOOP,
    buoy_rows.SEALED.name: buoy_rows.LOOP,
    buoy_rows.ROOMY.name: buoy_rows.LOOP,
    buoy_rows.LINED.name: buoy_rows.LOOP,
    buoy_rows.FAIR.name: buoy_rows.LOOP,
    buoy_rows.BATCHED.name: buoy_rows.INLINE,
    buoy_rows.RANKED.name: buoy_rows.LOOP,
    buoy_rows.FORK.name: buoy_rows.FORK_LOOP,
    buoy_rows.BIG_FORK.name: buoy_rows.BIG_FORK_LOOP,
}
BARE = [buoy_rows.LEAST, *(row for row in dict.fromkeys(LIMITS.values()) if row.kind == "limit")]


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    mine = [*BARE, *buoy_rows.drained()]
    if effort.brief:
        mine = [
            subject
            for subject in mine
            if subject not in (buoy_rows.BIG_FORK, buoy_rows.BIG_FORK_LOOP)
        ]
    for placement in placements:
        for subject in [*mine, *subjects]:
            limit = LIMITS[subject.name].name if subject.name in LIMITS else ""
            run = partial(drain, subject, placement, effort)
            yield case(subject, placement, run, limit)


def drain(subject: Subject, placement: Placement, effort: Effort) -> Figures:
    """Let one worker run them all. The first tenth is not counted: the worker warms up."""
    if subject is buoy_rows.FORK_LOOP:
        size = nursery_megabytes(placement)
        subject = replace(subject, worker=subject.worker.replace(" 0", f" {size}"))
    count = effort.jobs(subject.rate)
    warm = count // 10
    within = 60 + 10 * effort.seconds
    with new_sandbox(placement, count) as sandbox:
        sandbox.produce(subject, "many", count)
        with sandbox.start_worker(subject) as worker:
            sandbox.wait_for_jobs(worker, warm, within)
            before = sandbox.usage(worker)
            sandbox.wait_for_jobs(worker, count, within)
            after = sandbox.usage(worker)
            memory = sum(worker.pss())
        ran = sorted(sandbox.board.ran)
        return {
            "jobs_per_s": (count - 1 - warm) / max(ran[-1] - ran[warm], 1e-6),
            **after.per_job(before),
            "pss_mb": memory,
            "ran_twice": sandbox.board.doubled(),
        }


@cache
def nursery_megabytes(placement: Placement) -> float:
    """Returns the size of the process that buoy forks from, in MB."""
    with new_sandbox(placement, 1) as sandbox:
        sandbox.produce(buoy_rows.FORK, "each", 1)
        with sandbox.start_worker(buoy_rows.FORK) as worker:
            sandbox.wait_for_jobs(worker, 1, 30)
            [parent] = worker.children
            children = parent.children()
            if not children:
                raise MeasurementError(f"buoy fork: no nursery; {worker.output_tail()}")
            return max(child.memory_info().rss for child in children) / 1e6


MEASURE = Measure(
    name="drain",
    title="Empty jobs, one worker",
    text="All jobs are enqueued before the worker starts. The time runs from the tenth finished "
    "job to the last. Jobs, commands and CPU are per job; the CPU of a worker includes all its "
    "processes. Commands are those that Redis executed, also inside scripts; trips are the "
    "reads that Redis answered. The bare loop does only what every worker must do: it reserves "
    "and settles in batches, decodes, and calls; once with buoy's own script, once with the "
    "smallest script that loses nothing. The bare fork forks from a process as large as buoy's "
    "nursery, with one script call a job. Members of a batch are compared with the same jobs in no "
    "batch.",
    columns=(
        Column("jobs_per_s", "jobs/s"),
        Column("worker_cpu_ms", "worker CPU ms"),
        Column("redis_cpu_ms", "Redis CPU ms"),
        Column("commands", "commands"),
        Column("trips", "trips"),
        Column("pss_mb", "memory MB"),
        Column("ran_twice", "ran twice"),
    ),
    cases=cases,
    quick=True,
)
