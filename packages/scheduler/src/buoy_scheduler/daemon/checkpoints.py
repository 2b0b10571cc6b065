"""Checkpoints in Redis of how far each entry is: kept while the entry is in a schedule, corrected
when the clock was wrong, forgotten when no daemon has the entry any longer."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

from buoy import App, BrokerError
from buoy.plugins import Log

from ..schedule import format_names
from ..store import CLOCK_TOLERANCE, Store
from ..targets import Target
from .entry_progress import EntryProgress

log = Log("buoy.scheduler")

T = TypeVar("T")
AHEAD_SECONDS = 10.0
"""Seconds for which checkpoints must be ahead of the clock before they are reset: perhaps the clock
is wrong now for a moment, and was right when they were written."""
TOUCH_SECONDS = 60.0
"""Seconds between two touches of all checkpoints."""
SWEEP_SECONDS = 600.0
"""Seconds between two searches for forgotten entries."""
FORGET_SECONDS = 86_400
"""Seconds without a touch after which an entry counts as new."""


class Checkpoints:
    """What one daemon does for the checkpoints of its entries."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.ahead_since: float | None = None
        """When checkpoints were first found ahead of the clock, if they still are."""
        self.touched_at = float("-inf")
        self.swept_at: float | None = None
        self.apps = {app}
        """The apps in whose Redis there are checkpoints."""

    # Checkpoints that are ahead of the clock

    def reset_ahead(self, entries: Iterable[EntryProgress], now: float) -> list[EntryProgress]:
        """Resets checkpoints that have been ahead of the clock for some time; until then their
        entries would not fire. Returns these entries: they must start again."""
        ahead = [each for each in entries if each.handled_until > now + CLOCK_TOLERANCE]
        if not ahead:
            self.ahead_since = None
            return []
        self.ahead_since = now if self.ahead_since is None else min(self.ahead_since, now)
        if now - self.ahead_since < AHEAD_SECONDS:
            return []
        self.ahead_since = None
        queues = progress_by_queue(ahead).items()
        return [each for queue, group in queues for each in self.reset_queue(queue, group)]

    def reset_queue(
        self, queue: tuple[App, str], entries: list[EntryProgress]
    ) -> list[EntryProgress]:
        names = [progress.entry.name for progress in entries]
        if not ignoring_outage(partial(self.reset, *queue, names)):
            return []
        log.warning(
            "queue %r: the last tick of %s is ahead of the clock of Redis, which was wrong then or "
            "is now; firing continues from now",
            queue[1],
            format_names(names),
        )
        return entries

    def reset(self, app: App, queue: str, names: list[str]) -> None:
        Store(app).reset_checkpoints(queue, names)
        Store(self.app).reset_start_times(names)

    # Checkpoints in use, and forgotten ones

    def is_touch_due(self, now: float, busy: bool) -> bool:
        """Whether it is time to touch all checkpoints; a busy daemon waits twice as long."""
        return abs(now - self.touched_at) >= (2 * TOUCH_SECONDS if busy else TOUCH_SECONDS)

    def note_touch(self, now: float) -> None:
        """Notes that the checkpoints are touched at this time (epoch seconds)."""
        self.touched_at = now

    def add_queues(self, targets: Iterable[Target]) -> None:
        """Stores in which queues there are checkpoints, so that they are found when no entry goes
        there any longer."""
        queues = defaultdict[App, set[str]](set)
        for target in targets:
            queues[target.app].add(target.queue)
        self.apps |= set(queues)
        for app, names in queues.items():
            ignoring_outage(partial(Store(app).add_queues, names))

    def mark_removed(self, entries: Mapping[tuple[App, str], list[str]]) -> None:
        """Stores that entries have left the schedule: if they come back, they are new."""
        for (app, queue), names in entries.items():
            ignoring_outage(partial(Store(app).mark_removed, queue, names))

    def forget_unseen(self, now: float) -> None:
        """From time to time forgets entries that no daemon has touched for a day. A daemon that has
        just started waits first, so that others can touch theirs."""
        if self.swept_at is None or now < self.swept_at:
            self.swept_at = now
        if now - self.swept_at < SWEEP_SECONDS or self.ahead_since is not None:
            return
        self.swept_at = now
        for app in self.apps:
            ignoring_outage(partial(self.forget_unseen_of, Store(app)))

    def forget_unseen_of(self, store: Store) -> None:
        for queue in store.checkpoint_queues():
            ignoring_outage(partial(store.forget_unseen, queue, FORGET_SECONDS))


def ignoring_outage(action: Callable[[], None]) -> bool:
    """Calls a function that may fail for now. Returns False when Redis is unavailable."""
    try:
        action()
    except BrokerError as error:
        log.debug("%s", error)
        return False
    return True


def progress_by_queue(
    entries: Iterable[EntryProgress],
) -> dict[tuple[App, str], list[EntryProgress]]:
    """Returns entries by the app and the queue of their jobs."""
    return group_by_queue((progress, progress.target) for progress in entries)


def group_by_queue(pairs: Iterable[tuple[T, Target]]) -> dict[tuple[App, str], list[T]]:
    """Returns the first of each pair by the app and the queue of its target."""
    groups = defaultdict[tuple[App, str], list[T]](list)
    for each, target in pairs:
        groups[target.app, target.queue].append(each)
    return groups
