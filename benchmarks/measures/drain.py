"""Empty jobs, all enqueued beforehand: how many a second one worker does, and what each costs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, partial

from .. import ours
from ..measure import Case, Column, Effort, Figures, Measure, case
from ..placement import Placement
from ..processes import Wrong
from ..stage import staged
from ..subject import Subject

LIMITS = {
    ours.INLINE.name: ours.LOOP,
    ours.THREAD.name: ours.LOOP,
    ours.ASYNC.name: ours.LOOP,
    ours.PLUGINS.name: ours.LOOP,
    ours.FORK.name: ours.FORK_LOOP,
    ours.BIG_FORK.name: ours.BIG_FORK_LOOP,
}
BARE = [ours.LEAST, *dict.fromkeys(LIMITS.values())]


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    mine = [*BARE, *ours.drained()]
    if effort.brief:
        mine = [subject for subject in mine if subject not in (ours.BIG_FORK, ours.BIG_FORK_LOOP)]
    for placement in placements:
        for subject in [*mine, *subjects]:
            limit = LIMITS[subject.name].name if subject.name in LIMITS else ""
            play = partial(drain, subject, placement, effort)
            yield case(subject, placement, play, limit)


def drain(subject: Subject, placement: Placement, effort: Effort) -> Figures:
    """Have one worker do them all. Counted from the first tenth on: it is warm by then."""
    if subject is ours.FORK_LOOP:
        size = nursery_megabytes(placement)
        subject = replace(subject, worker=subject.worker.replace(" 0", f" {size}"))
    count = effort.jobs(subject.rate)
    warm = count // 10
    within = 60 + 10 * effort.seconds
    with staged(placement, count) as stage:
        stage.produce(subject, "many", count)
        with stage.working(subject) as worker:
            stage.finish(worker, warm, within)
            before = stage.usage(worker)
            stage.finish(worker, count, within)
            after = stage.usage(worker)
            memory = sum(worker.pss())
        ran = sorted(stage.board.ran)
        return {
            "jobs_per_s": (count - 1 - warm) / max(ran[-1] - ran[warm], 1e-6),
            **after.per_job(before),
            "pss_mb": memory,
            "ran_twice": stage.board.doubled(),
        }


@cache
def nursery_megabytes(placement: Placement) -> float:
    """The size of the process that buoy forks from."""
    with staged(placement, 1) as stage:
        stage.produce(ours.FORK, "each", 1)
        with stage.working(ours.FORK) as worker:
            stage.finish(worker, 1, 30)
            [parent] = worker.children
            children = parent.children()
            if not children:
                raise Wrong(f"buoy fork: no nursery; {worker.last_words()}")
            return max(child.memory_info().rss for child in children) / 1e6


MEASURE = Measure(
    name="drain",
    title="Empty jobs, one worker",
    text="All jobs are enqueued before the worker starts; the clock runs from the tenth that is "
    "done first to the last. Jobs, commands and CPU are per job, the worker's with all its "
    "processes. Commands are those that Redis executed, inside of scripts too; trips are reads "
    "that it answered. The bare loop does what no worker can do without: reserve and settle in "
    "batches, decode, call; once with buoy's own script, once with the least script that loses "
    "nothing. The bare fork forks from a process as large as buoy's nursery, one script call a "
    "job.",
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
