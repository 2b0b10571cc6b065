"""What was counted over time: in steps that a chart can show, as rates, and by class.

What was counted in a period that is over does not change. So each process reads it once.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from weakref import WeakKeyDictionary

from buoy import App
from buoy.plugins.operators import ClassCounts, CountsAt, Period, sum_counts
from buoy.plugins.redis import RedisSteps

from .charts import Chart
from .deploys import Deploy

FRESH = 5.0
"""Seconds after which counts are read again."""
RATED = 300
"""Rates are those of so many seconds before this minute, and of this minute."""
WORDS = ("done", "retried", "failed")
"""The bars of a chart: what became of runs."""


@dataclass(frozen=True)
class Span:
    """A time that charts show. ``seconds`` in all; ``step``: seconds of one bar."""

    name: str
    title: str
    seconds: int
    step: int
    period: Period


HOUR = Span("hour", "1 hour", 3_600, 60, "minute")
DAY = Span("day", "24 hours", 86_400, 3_600, "hour")
MONTH = Span("month", "30 days", 30 * 86_400, 86_400, "day")
SPANS = (HOUR, DAY, MONTH)
COMPARED = (
    Span("4 hours", "4 hours", 4 * 3_600, 240, "minute"),
    Span("4 days", "4 days", 4 * 86_400, 7_200, "hour"),
    MONTH,
)
"""The spans in which a time is compared with as long a time before it."""


def span_of(name: str) -> Span:
    """Returns the span of this name; the hour for any other name."""
    return next((span for span in SPANS if span.name == name), HOUR)


@dataclass(frozen=True)
class Rate:
    """Jobs a minute that came into a queue, and that left it by an end of any kind."""

    incoming: float = 0.0
    outgoing: float = 0.0


@dataclass(frozen=True)
class Recent:
    """What queues have counted in a span until now, as it was read at ``read_at`` (by the monotonic
    clock). ``ended``: by queue what will not change any more; ``still_open``: the rest."""

    span: Span
    ended: Mapping[str, Sequence[CountsAt]] = field(default_factory=dict)
    still_open: Sequence[CountsAt] = ()
    read_at: float = float("-inf")

    @cached_property
    def rows(self) -> list[CountsAt]:
        """All of it."""
        return [*(each for some in self.ended.values() for each in some), *self.still_open]

    @cached_property
    def bars(self) -> Chart:
        """What became of jobs in the span."""
        return chart_of(self.span, self.rows)

    def chart(self, deploys: Sequence[Deploy] = ()) -> Chart:
        """Returns what became of jobs in the span, and its deploys. Given are the newest first."""
        if not deploys:
            return self.bars
        begin = self.bars.times[0]
        return replace(self.bars, deploys=[each for each in deploys if each.at >= begin][::-1])

    @cached_property
    def classes(self) -> list[ClassCounts]:
        """The sums of each class, the busiest class first."""
        return by_class(self.rows)

    @cached_property
    def rates(self) -> dict[str, Rate]:
        """By queue the rates of the last minutes; queues without jobs are missing."""
        now = time.time()
        since = now // 60 * 60 - RATED
        found: dict[str, list[ClassCounts]] = {}
        for row in self.rows:
            if row.at >= since:
                found.setdefault(row.counts.queue, []).append(row.counts)
        return {queue: rate_of(some, now - since) for queue, some in found.items()}

    def unread(self, queue: str, first: float) -> float:
        """Returns from when on the counts of a queue are to be read; ``first``: at the earliest."""
        known = self.ended.get(queue)
        return max(first, known[-1].at + 1) if known else first


def rate_of(counts: Iterable[ClassCounts], seconds: float) -> Rate:
    incoming = outgoing = 0
    for each in counts:
        incoming += each.enqueued
        outgoing += each.done + each.failed + each.rejected
    return Rate(60 * incoming / seconds, 60 * outgoing / seconds)


class Activity:
    """What the queues of an app have counted lately. Any thread may use it."""

    def __init__(self, app: App) -> None:
        self.monitor = app.monitor
        self.known: dict[str, Recent] = {}

    def read(self, span: Span, queues: Sequence[str]) -> RedisSteps[Recent]:
        """Returns what these queues have counted; takes one round trip at most every FRESH
        seconds."""
        known = self.known.get(span.name, Recent(span))
        if time.monotonic() - known.read_at < FRESH and set(queues) <= known.ended.keys():
            return known
        first = time.time() - span.seconds
        since = {queue: known.unread(queue, first) for queue in queues}
        found = yield from self.monitor.read_series(span.period, queues, since)
        ended = {
            queue: [row for row in known.ended.get(queue, ()) if row.at >= first]
            for queue in queues
        }
        for row in found:
            if not row.is_open:
                ended[row.counts.queue].append(row)
        still_open = [row for row in found if row.is_open]
        self.known[span.name] = recent = Recent(span, ended, still_open, time.monotonic())
        return recent


activities: WeakKeyDictionary[App, Activity] = WeakKeyDictionary()


def activity_of(app: App) -> Activity:
    """Returns what this process knows of an app."""
    return activities.setdefault(app, Activity(app))


def read_recent(app: App, span: Span, queues: Sequence[str]) -> RedisSteps[Recent]:
    """Returns what a few queues have counted; takes one round trip."""
    since = time.time() - span.seconds
    return Recent(span, {}, (yield from app.monitor.read_series(span.period, queues, since)))


def chart_of(
    span: Span, found: Iterable[CountsAt], title: str = "Jobs", deploys: Iterable[Deploy] = ()
) -> Chart:
    """Returns the span as bars, of what became of runs, a line, of jobs that were enqueued, and the
    deploys."""
    last = int(time.time() // span.step)
    times = [number * span.step for number in range(last - span.seconds // span.step + 1, last + 1)]
    bars = {word: dict.fromkeys(times, 0) for word in WORDS}
    line = dict.fromkeys(times, 0)
    for row in found:
        at = int(row.at // span.step) * span.step
        if at in line:
            line[at] += row.counts.enqueued
            for word in WORDS:
                bars[word][at] += getattr(row.counts, word)
    series = {word: list(values.values()) for word, values in bars.items()}
    shown = [each for each in deploys if each.at >= times[0]][::-1]
    return Chart(title, times, series, shown, {"enqueued": list(line.values())})


def by_class(found: Iterable[CountsAt]) -> list[ClassCounts]:
    """Returns the sums of each class over all queues, the busiest class first."""
    some: dict[str, list[ClassCounts]] = {}
    for each in found:
        some.setdefault(each.counts.name, []).append(each.counts)
    sums = [sum_counts(name, counts) for name, counts in some.items()]
    return sorted(sums, key=lambda counts: -counts.running.count)


def series_of(app: App, span: Span) -> list[CountsAt]:
    """Returns what all queues have counted in a span; takes two round trips. Raises BrokerError."""
    return app.run_steps(read_series(app, span)).rows


def read_series(app: App, span: Span) -> RedisSteps[Recent]:
    """Returns what all queues have counted in a span."""
    queues = yield from app.monitor.read_queue_names()
    return (yield from activity_of(app).read(span, queues))
