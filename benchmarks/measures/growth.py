"""What a job costs beside many queued, delayed or failed jobs, queues or workers."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from .. import buoy_rows, fill
from ..measure import Case, Column, Effort, Figures, Measure
from ..placement import Placement
from ..sandbox import new_sandbox
from ..subject import Subject

ALONE = "buoy inline, nothing else"
FILLS: dict[str, tuple[Callable[[Any, int], None], int]] = {
    "queued": (fill.queued, 1_000_000),
    "delayed": (fill.delayed, 1_000_000),
    "failed": (fill.failed, 100_000),
    "workers": (fill.workers, 500),
}
QUEUES = (20, 200)
ENQUEUED = 2_000


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    placement = placements[0]
    yield Case(ALONE, "buoy", placement, partial(grown, placement, effort))
    for what, (put, whole) in FILLS.items():
        count = effort.amount(whole)
        row = f"buoy inline, {count:,} {what}".replace(",", " ").replace("inline ", "inline,")
        run = partial(grown, placement, effort, put, count)
        yield Case(row, "buoy", placement, run, limit=ALONE)
    for queues in QUEUES:
        run = partial(grown, placement, effort, queues=queues)
        yield Case(f"buoy inline, {queues} queues", "buoy", placement, run, limit=ALONE)


def grown(
    placement: Placement,
    effort: Effort,
    put: Callable[[Any, int], None] | None = None,
    count: int = 0,
    queues: int = 1,
) -> Figures:
    """Enqueue and drain jobs while Redis holds much else."""
    jobs, more = effort.jobs(20_000), effort.amount(ENQUEUED)
    warm = jobs // 10
    environ = {"BENCH_QUEUES": str(queues)}
    subject = buoy_rows.serving(buoy_rows.INLINE, queues)
    with new_sandbox(placement, jobs + more) as sandbox:
        sandbox.produce(subject, "many", jobs, environ=environ)
        if put is not None:
            put(sandbox.client, count)
        took = sandbox.produce(subject, "each", more, first=jobs, environ=environ)
        with sandbox.start_worker(subject) as worker:
            sandbox.wait_for_jobs(worker, warm, 120)
            before = sandbox.usage(worker)
            sandbox.wait_for_jobs(worker, jobs, 120)
            after = sandbox.usage(worker)
        ran = sorted(time for time in sandbox.board.ran if time)
        return {
            "jobs_per_s": (jobs - 1 - warm) / max(ran[jobs - 1] - ran[warm], 1e-6),
            "enqueued_per_s": took["jobs"] / took["seconds"],
            **after.per_job(before),
        }


MEASURE = Measure(
    name="growth",
    title="What a job costs as things grow",
    text="The drain of empty jobs, and their enqueueing one by one, while the same Redis holds "
    "much other data. The limit is the measurement without that data: 100 % means that the data "
    "costs nothing.",
    columns=(
        Column("jobs_per_s", "jobs/s"),
        Column("enqueued_per_s", "enqueued/s"),
        Column("worker_cpu_ms", "worker CPU ms"),
        Column("redis_cpu_ms", "Redis CPU ms"),
        Column("commands", "commands"),
    ),
    cases=cases,
    ranked=False,
)
