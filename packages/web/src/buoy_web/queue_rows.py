"""The queues as pages show them: what they hold, how fast they go, how many workers serve them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from operator import attrgetter
from typing import Any

from buoy import App
from buoy.plugins.operators import Counted, Serving, read_serving, together
from buoy.plugins.redis import QueueView, RedisSteps

from .activity import HOUR, Rate, Recent, Span, activity_of
from .readings import read_kept

NO_RATE = Rate()
values_of = attrgetter(*(each.name for each in fields(QueueView)))
STATES = ("queued", "blocked", "delayed", "running", "failed")


@dataclass(frozen=True, slots=True)
class QueueRow(QueueView):
    """A queue as a page shows it. ``workers``: how many live workers serve it; ``incoming`` and
    ``outgoing``: jobs a minute."""

    workers: int = 0
    incoming: float = 0.0
    outgoing: float = 0.0

    @property
    def unserved(self) -> bool:
        """Whether jobs are due here, and no worker will take them."""
        return self.workers == 0 and self.queued > 0 and not self.paused

    @property
    def held_up(self) -> bool:
        """Whether jobs are due here, and nobody will take them: no worker does, or it is paused."""
        return self.unserved or (self.paused and self.queued > 0)


@dataclass(frozen=True)
class Queues:
    """All queues, by name. ``missed``: the names of those on nodes of a cluster that are away.
    ``recent``: what the others have counted in a span."""

    rows: list[QueueRow]
    missed: list[str]
    recent: Recent


def queue_rows(app: App) -> list[QueueRow]:
    """Returns a row for each queue, by name. Raises BrokerError."""
    return app.run_steps(read_rows(app, HOUR)).rows


def read_rows(app: App, span: Span) -> RedisSteps[Queues]:
    """Returns all queues; takes at most four round trips."""
    (counted, rates, recent), serving = yield from together(
        read_queues(app, span), read_workers_of(app)
    )
    rows = [row_of(view, serving, rates) for view in counted.views]
    return Queues(rows, sorted(counted.missed), recent)


def read_workers_of(app: App) -> RedisSteps[Serving]:
    """Returns how many workers serve each queue."""
    return read_kept(app, "serving", partial(read_serving, app.monitor))


def read_queues(app: App, span: Span) -> RedisSteps[tuple[Counted, Mapping[str, Rate], Recent]]:
    """Returns what all queues hold, their rates, and what they have counted in a span."""
    activity = activity_of(app)
    counted = yield from read_kept(app, "queues", partial(count_all, app))
    names = [view.name for view in counted.views]
    recent, *last_hour = yield from together(
        activity.read(span, names), *([activity.read(HOUR, names)] if span != HOUR else [])
    )
    return counted, (last_hour[0] if last_hour else recent).rates, recent


def count_all(app: App) -> RedisSteps[Counted]:
    """Returns what all queues hold; takes three round trips."""
    names = yield from app.monitor.read_queue_names()
    return (yield from app.monitor.read_queues(names))


def row_of(view: QueueView, serving: Serving, rates: Mapping[str, Rate]) -> QueueRow:
    """Returns the row of a queue."""
    rate = rates.get(view.name, NO_RATE)
    more = serving.count(view.name), rate.incoming, rate.outgoing
    return QueueRow(*values_of(view), *more)  # type: ignore[call-arg]  # these are all fields


def total_of(rows: Sequence[QueueRow]) -> dict[str, Any]:
    """Returns the sums over all queues, by column."""
    columns = (*STATES, "done", "rejected", "incoming", "outgoing")
    return {column: sum(getattr(row, column) for row in rows) for column in columns}
