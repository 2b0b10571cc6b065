"""The delayed or the failed jobs of all queues together, as pages read them."""

from typing import Literal

from buoy import App
from buoy.plugins.operators import Heads, JobFilter, Place, TimedPage, read_heads, read_timed_page
from buoy.plugins.redis import RedisSteps

from .readings import monitor_of, read_kept

Timed = Literal["delayed", "failed"]


def read_timed(
    app: App,
    state: Timed,
    queue: str | None,
    count: int,
    wanted: JobFilter,
    after: Place | None = None,
) -> RedisSteps[TimedPage]:
    """Returns those that match of the next ``count`` jobs behind ``after``, of a queue or of all;
    takes at most five round trips."""
    heads, queues = None, [] if queue is None else [queue]
    if queue is None and after is None:
        heads = yield from read_kept(app, "heads", lambda: heads_of_all(app, state), state)
    elif queue is None:
        queues = yield from app.monitor.read_queue_names()
    monitor = monitor_of(app)
    return (yield from read_timed_page(monitor, queues, state, count, after, wanted, heads))


def heads_of_all(app: App, state: Timed) -> RedisSteps[Heads]:
    """Returns the first job of each queue in a state; takes two round trips."""
    queues = yield from app.monitor.read_queue_names()
    return (yield from read_heads(app.monitor, queues, state))
