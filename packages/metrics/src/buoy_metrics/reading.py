"""What one scrape reads of Redis."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from buoy import App, BrokerError
from buoy.plugins.redis import ClassCounts, QueueView, WorkerView

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read. ``errors``: why something is missing, if it is.

    ``paused``: whether everything is paused. ``seconds``: how long it took. ``all_errors``: the
    number of errors since this process began.
    """

    queues: Sequence[QueueView] = ()
    counts: Sequence[ClassCounts] = ()
    workers: Sequence[WorkerView] = ()
    paused: bool = False
    errors: Sequence[str] = ()
    seconds: float = 0.0
    all_errors: int = 0

    @property
    def is_complete(self) -> bool:
        return not self.errors


def read(app: App) -> Reading:
    """Reads what there is. Leaves out what cannot be read: a node of a cluster may be away.

    Raises BrokerError if Redis does not answer at all.
    """
    monitor, errors = app.monitor, list[str]()
    queues, missed = monitor.count_queues()
    errors += map(str, missed.values())
    names = [queue.name for queue in queues]
    return Reading(
        queues,
        part(lambda: monitor.counts(names), (), errors),
        part(monitor.workers, (), errors),
        part(monitor.paused_since, None, errors) is not None,
        errors,
    )


def part(function: Callable[[], T], missing: T, errors: list[str]) -> T:
    """Returns what a function reads; notes the error and returns ``missing`` if it cannot read."""
    try:
        return function()
    except BrokerError as error:
        errors.append(str(error))
        return missing
