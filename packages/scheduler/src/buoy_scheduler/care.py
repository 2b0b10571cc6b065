"""Marks in Redis of how far entries are: kept while entries are followed, put right when the clock
was wrong, forgotten when nobody follows them any more."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

from buoy import App, BrokerError
from buoy.plugins import Log

from .course import Course
from .firing import Target
from .schedule import some
from .store import Store

log = Log("buoy.scheduler")

T = TypeVar("T")
AHEAD = 60
"""Seconds by which a mark may be ahead of the clock of Redis: clocks of two servers differ."""
PATIENCE = 10.0
"""Seconds for which marks must be ahead before they are taken back: it may be the clock that is
wrong now, for a moment, and not the one that was there when they were made."""
TOUCH, SWEEP = 60.0, 600.0
"""Seconds between two touches of all marks, and between two looks for forgotten ones."""
FORGOTTEN = 86_400
"""Seconds without a touch after which an entry counts as new."""


class Care:
    """What one daemon does for the marks of its entries."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.doubted: float | None = None
        """When marks were first found to be ahead, if they still are."""
        self.touched = float("-inf")
        self.swept: float | None = None
        self.apps = {app}
        """Where marks were made."""

    # Marks that are ahead

    def taken_back(self, courses: Iterable[Course], now: float) -> list[Course]:
        """Those that would fire nothing for long, as their marks are ahead of the clock; these have
        been put right, and the courses must begin anew."""
        ahead = [course for course in courses if course.last > now + AHEAD]
        if not ahead:
            self.doubted = None
            return []
        self.doubted = now if self.doubted is None else min(self.doubted, now)
        if now - self.doubted < PATIENCE:
            return []
        self.doubted = None
        return [course for queue in by_queue(ahead).items() for course in self.mended(*queue)]

    def mended(self, queue: tuple[App, str], courses: list[Course]) -> list[Course]:
        names = [course.entry.name for course in courses]
        if not tried(partial(self.mend, *queue, names)):
            return []
        log.warning(
            "queue %r: the last tick of %s is ahead of the clock of Redis, which was wrong then or "
            "is now; goes on from now",
            queue[1],
            some(names),
        )
        return courses

    def mend(self, app: App, queue: str, names: list[str]) -> None:
        Store(app).mend(queue, names, AHEAD)
        Store(self.app).mend_from(names, AHEAD)

    # Marks that are in use, and those that are not

    def is_due(self, now: float, busy: bool) -> bool:
        """Whether it is time to touch; later, if there is something else to do."""
        return abs(now - self.touched) >= (2 * TOUCH if busy else TOUCH)

    def note(self, targets: Iterable[Target]) -> None:
        """Note where marks are, so that they can be found when no entry leads there any more."""
        queues = defaultdict[App, set[str]](set)
        for target in targets:
            queues[target.app].add(target.queue)
        self.apps |= set(queues)
        for app, names in queues.items():
            tried(partial(Store(app).note_queues, names))

    def part(self, leaving: Mapping[tuple[App, str], list[str]]) -> None:
        """When these entries come back they are new."""
        for (app, queue), names in leaving.items():
            tried(partial(Store(app).part, queue, names))

    def sweep(self, now: float) -> None:
        """Forget what no daemon has seen for a day; who has just started waits for the others."""
        if self.swept is None or now < self.swept:
            self.swept = now
        if now - self.swept < SWEEP or self.doubted is not None:
            return
        self.swept = now
        for app in self.apps:
            tried(partial(self.forget, Store(app)))

    def forget(self, store: Store) -> None:
        for queue in store.noted_queues():
            tried(partial(store.forget, queue, FORGOTTEN))


def tried(act: Callable[[], None]) -> bool:
    """Do what can wait; False when Redis does not do it."""
    try:
        act()
    except BrokerError as error:
        log.debug("%s", error)
        return False
    return True


def by_queue(courses: Iterable[Course]) -> dict[tuple[App, str], list[Course]]:
    """Courses by the queue into which they lead."""
    return grouped((course, course.target) for course in courses)


def grouped(pairs: Iterable[tuple[T, Target]]) -> dict[tuple[App, str], list[T]]:
    """By the queue into which they lead."""
    groups = defaultdict[tuple[App, str], list[T]](list)
    for each, target in pairs:
        groups[target.app, target.queue].append(each)
    return groups
