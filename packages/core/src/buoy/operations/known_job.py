"""What is known of one job: where it is, when it has ended, and what plugins tell of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from ..text.safe import summarize_error
from .views import JobView

if TYPE_CHECKING:
    from .monitor import Monitor

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KnownJob:
    """A job by its id, wherever it is.

    ``job``: as its queue has it; None if no queue does. ``ended_at``: when it has ended (epoch
    seconds), which queues know for two minutes. ``queues``: where more may be known of it: its
    queue, or all queues if none knows it.
    """

    id: str
    job: JobView | None
    ended_at: float | None
    queues: list[str]


def known_job(monitor: "Monitor", id: str) -> KnownJob:
    """Returns what queues know of a job, in two round trips. Raises BrokerError.

    A job that was moved has left its first queue before it ended: the last end counts.
    """
    names = monitor.queue_names()
    found, ended = monitor.look_for(id, names)
    if found is not None:
        return KnownJob(id, found, None, [found.queue])
    at, queue = max(((at, queue) for queue, at in ended.items()), default=(None, ""))
    return KnownJob(id, None, at, names if at is None else [queue])


def facts_of(app: Any, known: KnownJob) -> dict[str, Facts]:
    """Returns by its name what each plugin keeps with a job, and what it tells of it."""
    kept: dict[str, Any] = dict(known.job.shown_plugin_data) if known.job else {}
    for name, told in told_by_plugins(app, known).items():
        before = kept.get(name)
        kept[name] = before | told if isinstance(before, dict) else told
    return {name: facts for name, facts in kept.items() if facts}


@cache
def installed_facts() -> list[EntryPoint]:
    """Returns the entry points ``buoy.job_facts``: looking for them takes some milliseconds."""
    return sorted(entry_points(group="buoy.job_facts"), key=lambda point: point.name)


def told_by_plugins(app: Any, known: KnownJob) -> dict[str, Facts]:
    """Returns what plugins tell of a job (entry points ``buoy.job_facts``), by their names; of one
    that cannot tell, its error as ``broken``."""
    found: dict[str, Facts] = {}
    for point in installed_facts():
        try:
            tell: Callable[[Any, KnownJob], Mapping[str, Any] | None] = point.load()
            told = dict(tell(app, known) or {})
        except Exception as error:  # noqa: BLE001 - a broken plugin hides nothing else
            told = {"broken": summarize_error(error)}
        if told:
            found[point.name] = told
    return found
