"""Jobs that sleep 5 ms, 16 at once: how well a worker uses its slots."""

from collections.abc import Iterator, Sequence
from functools import partial

from .. import buoy_rows
from ..measure import Case, Column, Effort, Figures, Measure, case
from ..placement import Placement
from ..sandbox import new_sandbox
from ..subject import Subject

SLOTS = 16
NAP_SECONDS = 0.005
"""Equal to that of jobs.py, which only the processes of jobs can import."""
CEILING = SLOTS / NAP_SECONDS
LIMIT = f"{SLOTS} slots / {NAP_SECONDS * 1000:.0f} ms"


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    placement = placements[-1]
    yield Case(LIMIT, "limit", placement, lambda: {"jobs_per_s": CEILING})
    for subject in [*buoy_rows.ABREAST, *subjects]:
        yield case(subject, placement, partial(nap, subject, placement, effort), LIMIT)


def nap(subject: Subject, placement: Placement, effort: Effort) -> Figures:
    """Let one worker with these slots, or as many workers with one slot, run them all."""
    count = 4 * SLOTS + effort.jobs(min(subject.rate, 2000))
    warm = 2 * SLOTS
    within = 60 + 20 * effort.seconds
    with new_sandbox(placement, count) as sandbox:
        sandbox.produce(subject, "many", count, kind="nap")
        with sandbox.start_worker(subject, SLOTS) as worker:
            sandbox.wait_for_jobs(worker, warm, within)
            before = sandbox.usage(worker)
            sandbox.wait_for_jobs(worker, count, within)
            after = sandbox.usage(worker)
            memory = sum(worker.pss())
        ran = sorted(sandbox.board.ran)
        return {
            "jobs_per_s": (count - 1 - warm) / max(ran[-1] - ran[warm], 1e-6),
            "worker_cpu_ms": after.per_job(before)["worker_cpu_ms"],
            "pss_mb": memory,
            "ran_twice": sandbox.board.doubled(),
        }


MEASURE = Measure(
    name="naps",
    title="Jobs that wait 5 ms, 16 at once",
    text="As in the table before, with one worker that has 16 slots; systems that run one job at a "
    "time have 16 workers. The workers share one core, so forking 16 jobs at once is limited by "
    "that core.",
    columns=(
        Column("jobs_per_s", "jobs/s"),
        Column("worker_cpu_ms", "worker CPU ms"),
        Column("pss_mb", "memory MB"),
        Column("ran_twice", "ran twice"),
    ),
    cases=cases,
)
