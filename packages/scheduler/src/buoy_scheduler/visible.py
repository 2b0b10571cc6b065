"""The schedule that an operator can see: what is declared here, and what Redis has of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from buoy import App, ConfigurationError
from buoy.plugins import job_classes, text_setting

from .cron import zone_of
from .entry import Entry
from .runs import EntryRun, read_runs
from .schedule import Schedule, declared_schedule
from .store import CLOCK_TOLERANCE, RuntimeSchedule, Store, read_last_ticks
from .targets import target_of
from .ticks import walk

LATEST_TICK = 10**10
"""Epoch seconds up to which next ticks are shown."""
SILENCE = 10.0
"""Seconds without a poll of any daemon after which operators are told."""


@dataclass
class VisibleSchedule:
    """The schedule that this process can see, and the time of Redis (epoch seconds).

    ``with_app``: whether the job classes are loaded. Without them nobody can tell which entries
    daemons leave out.
    """

    schedule: Schedule
    runtime: RuntimeSchedule
    now: int
    with_app: bool

    def keep_app(self, app: App) -> None:
        """Leave out the entries whose jobs go to another app than this one."""
        for name, entry in list(self.schedule.entries.items()):
            place = app_and_queue(entry)
            if place is not None and entry.job in job_classes and not is_same(place[0], app):
                del self.schedule.entries[name]

    def error_of(self, entry: Entry) -> ConfigurationError | None:
        """Returns why daemons leave an entry out; None if they do not, or if no app is loaded."""
        try:
            target_of(entry)
        except ConfigurationError as error:
            return error if self.with_app else None
        return None

    def state_of(self, entry: Entry) -> str:
        """Returns whether an entry is active, paused, off (disabled) or left out (wrong)."""
        if self.error_of(entry):
            return "left out"
        if not entry.enabled:
            return "off"
        return "paused" if entry.name in self.runtime.paused else "active"

    def ticks(self, entry: Entry) -> Iterator[int]:
        """Yields the next ticks of an entry. Ignores a start time that is ahead of the clock:
        daemons reset it."""
        set_at = self.runtime.start_times.get(entry.name, 0)
        start = self.now if set_at > self.now + CLOCK_TOLERANCE else max(self.now, set_at)
        return walk(entry.ticks, start, LATEST_TICK)

    @cached_property
    def places(self) -> dict[App, list[tuple[str, str]]]:
        """The names and queues of the entries whose queues are known here, by app."""
        found: dict[App, list[tuple[str, str]]] = {}
        for name, entry in self.schedule.entries.items():
            place = app_and_queue(entry)
            if place is not None:
                found.setdefault(place[0], []).append((name, place[1]))
        return found

    @cached_property
    def last_ticks(self) -> dict[str, int]:
        """The last tick that was enqueued, by name, of each entry that has one."""
        found: dict[str, int] = {}
        for app, entries in self.places.items():
            found |= app.run_steps(read_last_ticks(app, entries))
        return found

    @cached_property
    def runs(self) -> dict[str, list[EntryRun]]:
        """The last jobs, by name, of each entry that has some, the newest first."""
        found: dict[str, list[EntryRun]] = {}
        for app, entries in self.places.items():
            found |= app.run_steps(read_runs(app, entries))
        return found

    def ahead(self) -> list[str]:
        """Returns the entries whose checkpoints are ahead of the clock, sorted."""
        latest = self.now + CLOCK_TOLERANCE
        found = {name for name, start in self.runtime.start_times.items() if start > latest}
        found |= {name for name, tick in self.last_ticks.items() if tick > latest}
        return sorted(found & set(self.schedule.entries))

    def paused_elsewhere(self) -> list[str]:
        """Returns the names that are paused, but in no schedule here, sorted."""
        return sorted(self.runtime.paused - set(self.schedule.entries))

    @property
    def is_silent(self) -> bool:
        """Whether no daemon has polled for SILENCE."""
        polled_at = self.runtime.polled_at
        return polled_at is None or abs(self.now - polled_at) > SILENCE


def visible_schedule(
    app: App, file: Path | None, env: str | None, *, with_app: bool
) -> VisibleSchedule:
    """Returns the schedule of the imported classes, of the file and of Redis."""
    store = Store(app)
    runtime = store.load()
    schedule = declared_schedule(file, env).with_runtime(runtime)
    return VisibleSchedule(schedule, runtime, int(store.now()), with_app)


def configured_schedule(app: App, *, only: bool = False) -> VisibleSchedule:
    """Returns the schedule of the imported classes, of the setting ``schedule`` and of Redis;
    without the entries of other apps if it is ``only`` for this one."""
    file, env = text_setting("schedule"), text_setting("env")
    path = Path(str(file)) if file else None
    with_app = bool(job_classes)
    visible = visible_schedule(app, path, str(env) if env else None, with_app=with_app)
    if only:
        visible.keep_app(app)
    return visible


def queue_of(entry: Entry) -> str | None:
    """Returns the queue of an entry's jobs; None if that is not known here."""
    found = app_and_queue(entry)
    return entry.queue if found is None else found[1]


def app_and_queue(entry: Entry) -> tuple[App, str] | None:
    try:
        target = target_of(entry)
    except ConfigurationError:
        return None
    return target.app, target.queue


def is_same(one: App, other: App) -> bool:
    """Whether two apps have one Redis and one namespace."""
    first, second = one.settings, other.settings
    return (first.url, first.namespace) == (second.url, second.namespace)


def local_time(entry: Entry, tick: int) -> datetime:
    return datetime.fromtimestamp(tick, zone_of(entry.tz))


def format_local(entry: Entry, tick: int) -> str:
    """Returns a tick as the wall clock in the zone of the entry shows it."""
    return local_time(entry, tick).strftime("%a %Y-%m-%d %H:%M:%S %Z")
