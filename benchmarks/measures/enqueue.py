"""Enqueueing one job a call."""

from collections.abc import Iterator, Sequence
from functools import partial

from .. import buoy_rows
from ..measure import Case, Column, Effort, Figures, Measure, case
from ..placement import Placement
from ..sandbox import new_sandbox
from ..subject import Subject

LIMITS = {buoy_rows.ENQUEUE.name: buoy_rows.PUSH.name} | {
    row.name: buoy_rows.ENQUEUE.name
    for row in (*buoy_rows.RANKED_ENQUEUES, buoy_rows.ENQUEUE_MEMBER, buoy_rows.ENQUEUE_SEALED)
}


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    for placement in placements:
        for subject in [buoy_rows.PUSH, *buoy_rows.enqueued(), *one_each(subjects)]:
            limit = LIMITS.get(subject.name, "")
            run = partial(enqueue, subject, placement, effort.jobs(8_000), "each")
            yield case(subject, placement, run, limit)


def one_each(subjects: Sequence[Subject]) -> list[Subject]:
    """Returns one row for each system and broker: how the worker runs does not matter here."""
    found: dict[tuple[str, str | None], Subject] = {}
    for subject in subjects:
        found.setdefault((subject.system, subject.environ.get("BENCH_BROKER")), subject)
    return list(found.values())


def enqueue(subject: Subject, placement: Placement, count: int, way: str) -> Figures:
    """Let a producer enqueue so many jobs, without a worker."""
    with new_sandbox(placement, count) as sandbox:
        before = sandbox.usage()
        took = sandbox.produce(subject, way, count)
        after = sandbox.usage()
        return {
            "jobs_per_s": took["jobs"] / took["seconds"],
            "producer_cpu_ms": took["cpu"] / took["jobs"] * 1000,
            "redis_cpu_ms": (after.redis_cpu - before.redis_cpu) / count * 1000,
            "commands": (after.commands - before.commands) / count,
            "trips": (after.trips - before.trips) / count,
            "bytes": (after.dataset - before.dataset) / count,
        }


COLUMNS = (
    Column("jobs_per_s", "jobs/s"),
    Column("producer_cpu_ms", "producer CPU ms"),
    Column("redis_cpu_ms", "Redis CPU ms"),
    Column("commands", "commands"),
    Column("trips", "trips"),
    Column("bytes", "bytes in Redis"),
)

MEASURE = Measure(
    name="enqueue",
    title="Enqueueing, one call a job",
    text="One producer, no worker. The limit: redis-py pushes to a list a payload of equal length "
    "that was encoded once before. Members of a batch are compared with the same jobs in no batch.",
    columns=COLUMNS,
    cases=cases,
    quick=True,
)
