"""What a queue has counted of each class: how many jobs, and for how long they waited and ran."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from ..model.checks import as_float, expect

BUCKETS = 28
"""How many buckets a histogram has."""
NO_BUCKETS = (0,) * BUCKETS
PLACES = {str(n): n for n in range(BUCKETS)}
"""The numbers of buckets as Redis has them."""
GREATEST = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many times were how long. ``sum``: of all times, in seconds.

    Bucket n counts times of less than 2 ** n milliseconds that are in no bucket before it; the last
    bucket counts all longer ones, too.
    """

    buckets: tuple[int, ...] = NO_BUCKETS
    sum: float = 0.0

    @property
    def count(self) -> int:
        """How many times there are."""
        return sum(self.buckets)

    def quantile(self, q: float) -> float:
        """Returns the seconds that this part of the times (0 to 1) did not exceed, by estimate: as
        if the times of a bucket were spread evenly. Returns 0.0 if there are none."""
        expect(0 <= as_float(q) <= 1, "quantile(q)", "0 to 1", q)
        rank, below = q * self.count, 0
        for n, number in enumerate(self.buckets):
            if number and below + number >= rank:
                least, most = (1 << n) >> 1 if n else 0, 1 << n
                part = 0.0 if n == BUCKETS - 1 else (rank - below) / number
                return (least + (most - least) * part) / 1000
            below += number
        return 0.0

    def __add__(self, other: "Histogram") -> "Histogram":
        pairs = zip(self.buckets, other.buckets, strict=True)
        return Histogram(tuple(a + b for a, b in pairs), self.sum + other.sum)


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """What a queue has counted of one class. Runs are counted when they are settled.

    ``enqueued``: jobs that were stored. ``done``, ``failed``, ``rejected``: jobs that ended so.
    ``retried``: runs after which the job was delayed. ``released``: runs that were given back.
    ``lost``: runs whose worker was lost. ``waiting``: the times between due and reserved;
    ``running``: the times of runs; both of done, failed and retried runs.
    """

    queue: str
    name: str
    enqueued: int = 0
    done: int = 0
    failed: int = 0
    retried: int = 0
    rejected: int = 0
    released: int = 0
    lost: int = 0
    waiting: Histogram = Histogram()
    running: Histogram = Histogram()

    @classmethod
    def of(cls, queue: str, name: str, stored: Mapping[str, Any]) -> Self:
        """Returns the counts that Redis has stored. What cannot be read counts as 0."""
        numbers = {word: int(amount(stored.get(word))) for word in NUMBERS}
        return cls(
            queue,
            name,
            **numbers,
            waiting=histogram(stored.get("waiting"), stored.get("waited")),
            running=histogram(stored.get("running"), stored.get("ran")),
        )

    def __add__(self, other: "ClassCounts") -> "ClassCounts":
        """Returns the sums, under the queue and the name of this one."""
        numbers = {word: getattr(self, word) + getattr(other, word) for word in NUMBERS}
        waiting, running = self.waiting + other.waiting, self.running + other.running
        return ClassCounts(self.queue, self.name, **numbers, waiting=waiting, running=running)


def sum_counts(name: str, counts: Iterable[ClassCounts]) -> ClassCounts:
    """Returns the sums of many counts, as those of a class of no queue."""
    some = list(counts)
    numbers = {word: sum(getattr(each, word) for each in some) for word in NUMBERS}
    waiting, running = (
        sum_histograms([getattr(each, word) for each in some]) for word in ("waiting", "running")
    )
    return ClassCounts("", name, **numbers, waiting=waiting, running=running)


def sum_histograms(histograms: Sequence[Histogram]) -> Histogram:
    """Returns the sums of many histograms."""
    filled = [each for each in histograms if each.sum or each.buckets is not NO_BUCKETS]
    buckets = tuple(map(sum, zip(*(each.buckets for each in filled), strict=True)))
    return Histogram(buckets, sum(each.sum for each in filled)) if filled else Histogram()


NUMBERS = ("enqueued", "done", "failed", "retried", "rejected", "released", "lost")
"""The fields of ClassCounts that are numbers."""


@dataclass(frozen=True, slots=True)
class CountsAt:
    """What was counted in one minute, hour or day. ``at``: when that began, epoch seconds.
    ``is_open``: it is not over, or nobody has noticed yet: the counts may grow."""

    at: float
    counts: ClassCounts
    is_open: bool = field(default=False, compare=False)


def histogram(buckets: Any, sum: Any) -> Histogram:
    """Returns the histogram that Redis has stored: bucket -> number, without zeros."""
    found = buckets if isinstance(buckets, dict) else {}
    numbers = [0] * BUCKETS
    for name in found.keys() & PLACES.keys():
        numbers[PLACES[name]] = int(amount(found[name]))
    return Histogram(tuple(numbers) if any(numbers) else NO_BUCKETS, float(amount(sum)))


def amount(value: Any) -> float:
    """Returns a number of things or of seconds; 0 for any other value."""
    return value if type(value) in (int, float) and 0 <= value <= GREATEST else 0


def parse_counts(text: str | None) -> dict[str, Any]:
    """Returns the counts in a JSON text; none if it is no JSON object."""
    try:
        found = json.loads(text or "")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
