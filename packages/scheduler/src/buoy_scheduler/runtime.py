"""Schedule entries that programs set at run time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from buoy import App, Job
from buoy.plugins.redis import RedisSteps, awaiting_call, blocking_call, steps_of

from .entry import Entry, Missed
from .store import Store
from .targets import target_of
from .values import arguments_json, parse_duration, parse_time

T = TypeVar("T")
StoreSteps = tuple[Store, RedisSteps[T]]


@blocking_call
def set_schedule(
    name: str,
    job: type[Job] | str,
    *,
    cron: str | None = None,
    every: str | int | timedelta | None = None,
    first: datetime | None = None,
    tz: str = "UTC",
    args: Sequence[Any] = (),
    queue: str | None = None,
    description: str = "",
    missed: Missed = "once",
    overlap: bool = True,
    app: App | None = None,
) -> StoreSteps[Entry]:
    """Sets an entry of the schedule at run time: the job recurs from now on, until
    ``remove_schedule``. Running daemons see the entry within a second, and it survives their
    restarts. An entry of the same name is replaced.

    ``every`` is in seconds, or a text like "5m". Raises ConfigurationError (mostly EntryError) for
    wrong values, BrokerError when Redis cannot be reached.
    """
    entry = Entry(
        name=name,
        job=job if isinstance(job, str) else job.name,
        cron=cron,
        every=None if every is None else parse_duration(every),
        first=0 if first is None else parse_time(first),
        tz=tz,
        args=arguments_json(args),
        queue=queue,
        description=description,
        missed=missed,
        overlap=overlap,
    )
    if not isinstance(job, str):
        target_of(entry)
    store = Store(app or Job.app)
    return store, set_steps(store, entry)


aset_schedule = awaiting_call(set_schedule)


def set_steps(store: Store, entry: Entry) -> RedisSteps[Entry]:
    yield from steps_of(store.set, entry)
    return entry


@blocking_call
def remove_schedule(name: str, *, app: App | None = None) -> StoreSteps[bool]:
    """Removes an entry that ``set_schedule`` made; returns False if there is none."""
    store = Store(app or Job.app)
    return store, steps_of(store.remove, name)


aremove_schedule = awaiting_call(remove_schedule)


@blocking_call
def get_schedule(*, app: App | None = None) -> StoreSteps[dict[str, Entry]]:
    """Returns the entries that were set at run time, by name."""
    store = Store(app or Job.app)
    return store, get_steps(store)


aget_schedule = awaiting_call(get_schedule)


def get_steps(store: Store) -> RedisSteps[dict[str, Entry]]:
    runtime = yield from steps_of(store.load)
    return {entry.name: entry for entry in runtime.entries}
