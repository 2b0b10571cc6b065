"""Enqueueing, one call a job."""

from collections.abc import Iterator, Sequence
from functools import partial

from .. import ours
from ..measure import Case, Column, Effort, Figures, Measure, case
from ..placement import Placement
from ..stage import staged
from ..subject import Subject


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    for placement in placements:
        for subject in [ours.PUSH, ours.ENQUEUE, *one_each(subjects)]:
            limit = ours.PUSH.name if subject is ours.ENQUEUE else ""
            play = partial(enqueue, subject, placement, effort.jobs(8_000), "each")
            yield case(subject, placement, play, limit)


def one_each(subjects: Sequence[Subject]) -> list[Subject]:
    """One row a system, or a broker of it: how the worker runs makes no difference here."""
    found: dict[tuple[str, str | None], Subject] = {}
    for subject in subjects:
        found.setdefault((subject.system, subject.environ.get("BENCH_BROKER")), subject)
    return list(found.values())


def enqueue(subject: Subject, placement: Placement, count: int, way: str) -> Figures:
    """Have a producer enqueue so many jobs; nobody works on them."""
    with staged(placement, count) as stage:
        before = stage.usage()
        took = stage.produce(subject, way, count)
        after = stage.usage()
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
    text="One producer, no worker. The limit is redis-py pushing to a list, with a payload of the "
    "same length that is not even encoded anew.",
    columns=COLUMNS,
    cases=cases,
    quick=True,
)
