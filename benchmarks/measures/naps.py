"""Jobs that wait 5 ms for somebody else, 16 at once: what a worker gets out of its slots."""

from collections.abc import Iterator, Sequence
from functools import partial

from .. import ours
from ..measure import Case, Column, Effort, Figures, Measure, case
from ..placement import Placement
from ..stage import staged
from ..subject import Subject

SLOTS = 16
NAP_SECONDS = 0.005
"""That of the jobs: see jobs.py, which only their processes can import."""
CEILING = SLOTS / NAP_SECONDS
LIMIT = f"{SLOTS} slots / {NAP_SECONDS * 1000:.0f} ms"


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    placement = placements[-1]
    yield Case(LIMIT, "limit", placement, lambda: {"jobs_per_s": CEILING})
    for subject in [*ours.ABREAST, *subjects]:
        yield case(subject, placement, partial(nap, subject, placement, effort), LIMIT)


def nap(subject: Subject, placement: Placement, effort: Effort) -> Figures:
    """Have a worker with these slots, or as many workers with one, do them all."""
    count = 4 * SLOTS + effort.jobs(min(subject.rate, 2000))
    warm = 2 * SLOTS
    within = 60 + 20 * effort.seconds
    with staged(placement, count) as stage:
        stage.produce(subject, "many", count, kind="nap")
        with stage.working(subject, SLOTS) as worker:
            stage.finish(worker, warm, within)
            before = stage.usage(worker)
            stage.finish(worker, count, within)
            after = stage.usage(worker)
            memory = sum(worker.pss())
        ran = sorted(stage.board.ran)
        return {
            "jobs_per_s": (count - 1 - warm) / max(ran[-1] - ran[warm], 1e-6),
            "worker_cpu_ms": after.per_job(before)["worker_cpu_ms"],
            "pss_mb": memory,
            "ran_twice": stage.board.doubled(),
        }


MEASURE = Measure(
    name="naps",
    title="Jobs that wait 5 ms, 16 at once",
    text="As before, with one worker that has 16 slots; systems that run one job at a time have "
    "16 workers instead. The workers share one core, so forking 16 at once is bound by that core.",
    columns=(
        Column("jobs_per_s", "jobs/s"),
        Column("worker_cpu_ms", "worker CPU ms"),
        Column("pss_mb", "memory MB"),
        Column("ran_twice", "ran twice"),
    ),
    cases=cases,
)
