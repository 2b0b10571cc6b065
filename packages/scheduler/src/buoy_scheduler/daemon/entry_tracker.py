"""Which entries a daemon has, and how far it is with each."""

from collections.abc import Iterable, Mapping

from buoy import App, BrokerError, ConfigurationError
from buoy.plugins import Log

from ..entry import Entry
from ..schedule import Schedule
from ..store import RuntimeSchedule, Store
from ..targets import Target, target_of
from .checkpoints import Checkpoints, group_by_queue, progress_by_queue
from .entry_progress import EntryProgress

log = Log("buoy.scheduler")

Resolution = Target | ConfigurationError
"""The target of an entry, or the reason why the entry is left out."""


class EntryTracker:
    """The entries of the schedule that was read last, with their progress."""

    def __init__(self, app: App) -> None:
        self.progress: dict[str, EntryProgress] = {}
        self.starting: dict[str, tuple[Entry, Target]] = {}
        """Entries whose checkpoint is not read yet."""
        self.resolved: dict[str, tuple[Entry, Resolution]] = {}
        self.runtime = RuntimeSchedule()
        self.disabled: set[str] = set()
        """Disabled entries that are marked in Redis as removed."""
        self.unreachable: set[str] = set()
        """Queues whose checkpoints could not be read the last time."""
        self.checkpoints = Checkpoints(app)

    # The schedule

    def update(self, schedule: Schedule, runtime: RuntimeSchedule) -> None:
        """Takes over a new schedule. Entries that have not changed keep their progress, others
        start. Adds the entries that are left out to the errors of the schedule."""
        previous, self.progress, self.starting = self.progress, {}, {}
        resolved, self.resolved, self.runtime = self.resolved, {}, runtime
        for name, entry in schedule.entries.items():
            known = resolved.get(name)
            target = known[1] if known and known[0] == entry else resolve(entry)
            self.resolved[name] = entry, target
            if isinstance(target, ConfigurationError):
                schedule.errors.append(target)
            elif entry.enabled:
                self.keep_or_start(previous.get(name), entry, target)
        self.mark_removed(previous)

    def keep_or_start(self, known: EntryProgress | None, entry: Entry, target: Target) -> None:
        if known is None or (known.entry, known.target) != (entry, target):
            self.starting[entry.name] = (entry, target)
            return
        self.progress[entry.name] = known
        self.apply_pause(known)

    def mark_removed(self, previous: Mapping[str, EntryProgress]) -> None:
        """Stores which entries were removed or disabled: if they come back, they are new."""
        removed = [
            (name, progress.target)
            for name, progress in previous.items()
            if self.has_left_queue(name, progress)
        ]
        disabled = {
            name: target for name, (each, target) in self.resolved.items() if not each.enabled
        }
        for name, target in disabled.items():
            if name not in self.disabled and isinstance(target, Target):
                removed.append((name, target))
        self.disabled = set(disabled)
        if removed:
            self.checkpoints.mark_removed(group_by_queue(removed))

    def has_left_queue(self, name: str, previous: EntryProgress) -> bool:
        """Whether the jobs of an entry go to its previous queue no longer."""
        resolved = self.resolved.get(name)
        if resolved is None:
            return True
        target = resolved[1]
        before = previous.target
        return isinstance(target, Target) and target.group_key[:2] != before.group_key[:2]

    # Checkpoints

    def drop_ahead(self, now: float) -> bool:
        """Drops entries whose checkpoints were ahead of the clock and had to be reset; returns
        whether there were any. They start again with the next schedule."""
        reset = self.checkpoints.reset_ahead(self.progress.values(), now)
        for progress in reset:
            del self.progress[progress.entry.name]
        return bool(reset)

    def start(self) -> None:
        """Reads the checkpoints of new entries: from then on they fire."""
        self.checkpoints.add_queues(target for _, target in self.starting.values())
        queues = group_by_queue((pair, pair[1]) for pair in self.starting.values())
        for queue, group in queues.items():
            seconds = self.read_checkpoints(*queue, [entry for entry, _ in group])
            for (entry, target), second in zip(group, seconds, strict=bool(seconds)):
                self.progress[entry.name] = progress = EntryProgress(
                    entry, target, second, paused=entry.name in self.runtime.paused
                )
                progress.advance(self.runtime.start_times.get(entry.name, 0))
                del self.starting[entry.name]

    def touch(self, now: float, busy: bool) -> None:
        """From time to time notes in Redis which entries this daemon has, and forgets others."""
        if self.checkpoints.is_touch_due(now, busy):
            self.checkpoints.note_touch(now)
            self.checkpoints.add_queues(progress.target for progress in self.progress.values())
            self.catch_up(self.progress.values())
            self.checkpoints.forget_unseen(now)

    def read_checkpoints(self, app: App, queue: str, entries: list[Entry]) -> list[int]:
        """Returns for each entry the epoch second up to which its ticks are handled; an empty list
        when Redis cannot be reached."""
        try:
            seconds = Store(app).read_checkpoints(queue, entries, self.runtime.start_times)
        except BrokerError as error:
            if queue not in self.unreachable:
                log.warning("queue %r: %s; trying again", queue, error)
            self.unreachable.add(queue)
            return []
        self.unreachable.discard(queue)
        return seconds

    def apply_pause(self, progress: EntryProgress) -> None:
        """Pauses or resumes an entry, as the operators have said."""
        paused = progress.entry.name in self.runtime.paused
        progress.apply_pause(paused, self.runtime.start_times.get(progress.entry.name, 0))

    def catch_up(self, entries: Iterable[EntryProgress]) -> None:
        """Reads how far other daemons have come: this one may have been frozen or cut off."""
        for queue, group in progress_by_queue(entries).items():
            seconds = self.read_checkpoints(*queue, [progress.entry for progress in group])
            for progress, second in zip(group, seconds, strict=bool(seconds)):
                if second > progress.handled_until:
                    progress.advance(second)


def resolve(entry: Entry) -> Resolution:
    try:
        return target_of(entry)
    except ConfigurationError as error:
        return error
