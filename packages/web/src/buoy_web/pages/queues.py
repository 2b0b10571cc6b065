"""One queue: how it does, its jobs in each state; and what can be done with a queue."""

from collections.abc import Sequence
from functools import partial

from buoy import App
from buoy.plugins.operators import (
    JobFilter,
    Position,
    Walked,
    read_sizes,
    read_walk,
    together,
    with_latencies,
)
from buoy.plugins.redis import QueueView, RedisSteps

from ..activity import HOUR, SPANS, Recent, Span, read_recent, span_of
from ..page import Action, NotFound, Page, Values, Visit
from ..queue_rows import STATES, QueueRow, read_workers_of, row_of
from ..readings import monitor_of, read_kept

JOBS_SHOWN = 20
FURTHEST = 10**9


def show(visit: Visit) -> Values:
    name, state, span = visit.get("queue"), visit.get("state"), span_of(visit.get("span"))
    state = state if state in STATES else "queued"
    start = visit.number("start", 0, FURTHEST)
    row, walked, recent = visit.app.run_steps(read_queue(visit.app, name, state, start, span))
    return {
        "queue": row,
        "state": state,
        "states": STATES,
        "jobs": walked.views,
        "columns": visit.filled_columns(walked.views),
        "start": start,
        "more": walked.next is not None,
        "shown": JOBS_SHOWN,
        "span": span,
        "spans": SPANS,
        "chart": recent.chart(),
        "classes": recent.classes,
    }


def read_queue(
    app: App, name: str, state: str, start: int, span: Span
) -> RedisSteps[tuple[QueueRow, Walked, Recent]]:
    """Returns a queue, some of its jobs, and what it has counted; takes three round trips. Raises
    NotFound."""
    monitor = app.monitor
    known, sizes, serving = yield from together(
        monitor.read_knows(name), read_sizes(monitor, [name]), read_workers_of(app)
    )
    if not known:
        raise NotFound(f"Nothing was ever enqueued to {name}.")
    if sizes.missed:
        raise sizes.missed[name]
    counted, walked, recent, *last_hour = yield from together(
        with_latencies(monitor, sizes),
        read_jobs(app, sizes.views, state, start),
        read_counts(app, span, name),
        *([read_counts(app, HOUR, name)] if span != HOUR else []),
    )
    [view] = counted.views
    rates = (last_hour[0] if last_hour else recent).rates
    return row_of(view, serving, rates), walked, recent


def read_counts(app: App, span: Span, queue: str) -> RedisSteps[Recent]:
    """Returns what a queue has counted in a span."""
    read = partial(read_recent, app, span, [queue])
    return read_kept(app, "counts", read, f"{span.name} {queue}")


def read_jobs(app: App, views: Sequence[QueueView], state: str, start: int) -> RedisSteps[Walked]:
    """Returns the next JOBS_SHOWN jobs of a queue in this state, after the first ``start``."""
    wanted = JobFilter(states=[state])  # type: ignore[list-item]  # it is one of STATES
    at = Position(state, views[0].name, start)  # type: ignore[arg-type]  # it is one of STATES
    return read_walk(monitor_of(app), views, wanted, JOBS_SHOWN, JOBS_SHOWN, at)


def pause(visit: Visit) -> str:
    name = visit.get("queue")
    visit.app.control.pause(name)
    return f"{name} is paused: workers take nothing from it."


def resume(visit: Visit) -> str:
    name = visit.get("queue")
    visit.app.control.pause(name, resume=True)
    return f"{name} is resumed."


PARTS: list[Page | Action] = [
    Page("queues/{queue:path}", show, "buoy_web/queue.html"),
    Action("queues/{queue:path}/pause", pause),
    Action("queues/{queue:path}/resume", resume),
]
