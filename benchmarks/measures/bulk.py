"""Enqueueing a thousand jobs a call."""

from collections.abc import Iterator, Sequence
from functools import partial

from .. import buoy_rows
from ..measure import Case, Effort, Measure, case
from ..placement import Placement
from ..subject import Subject
from .enqueue import COLUMNS, LIMITS, enqueue, one_each


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    able = [subject for subject in one_each(subjects) if subject.bulk]
    for placement in placements:
        ours = [buoy_rows.ENQUEUE, *buoy_rows.RANKED_ENQUEUES, *buoy_rows.members()]
        for subject in [buoy_rows.PUSH, *ours, *able]:
            limit = LIMITS.get(subject.name, "")
            run = partial(enqueue, subject, placement, effort.jobs(40_000), "many")
            yield case(subject, placement, run, limit)


MEASURE = Measure(
    name="bulk",
    title="Enqueueing, a thousand jobs a call",
    text="The limit: redis-py sends pipelines of a thousand pushes, and json encodes each payload. "
    "Systems without such a call are left out.",
    columns=COLUMNS,
    cases=cases,
    quick=True,
)
