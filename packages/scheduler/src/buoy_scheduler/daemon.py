"""The daemon: fires each entry at its ticks. Any number of them may run, none is the leader."""

import logging
import os
import select
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NoReturn, TypeVar

from buoy import App, BrokerError, ConfigurationError
from buoy.backoff import Backoff
from buoy.signals import STOPS, Wake
from buoy.titles import show

from .course import Course
from .entry import Entry
from .firing import Target, target_of
from .schedule import Schedule
from .store import Kept, Store
from .ticks import PUNCTUAL
from .volley import fire, instant

logger = logging.getLogger("buoy.scheduler")

T = TypeVar("T")
LOOK = 1.0
"""Seconds between two looks at Redis: at its clock, and whether the schedule has changed."""


class Daemon:
    """Follows the schedule that ``written`` returns, and what is set at run time."""

    def __init__(self, app: App, written: Callable[[], Schedule]) -> None:
        self.store, self.written = Store(app), written
        self.schedule = Schedule()
        self.kept = Kept()
        self.version = ""
        self.courses: dict[str, Course] = {}
        self.waiting: dict[str, tuple[Entry, Target]] = {}
        """Entries of which is not known yet from where on they fire."""
        self.ahead = 0.0
        """How many seconds the clock of Redis is ahead of our monotonic one."""
        self.looked = float("-inf")
        self.backoff = Backoff()
        self.stale, self.serving = True, False
        self.cut_off: set[str] = set()
        self.told: set[str] = set()

    def run(self) -> NoReturn:
        """Fire until a signal says stop."""
        with Wake(self.on_signal, also=[signal.SIGHUP]) as wake:
            try:
                while True:
                    self.step()
                    self.rest(wake)
            finally:
                logger.info("scheduler %d ends", os.getpid())

    def step(self) -> None:
        """Look, when it is time for it, and fire what is due."""
        try:
            if self.stale or time.monotonic() >= self.looked + LOOK:
                self.look()
            self.begin()
            self.fire()
        except BrokerError as error:
            if not self.backoff.failures:
                logger.warning("%s; trying again", error)
            self.backoff.fail()
            return
        if self.backoff.failures:
            logger.info("Redis is back")
            self.backoff.clear()
        if not self.serving:
            logger.info("scheduler %d serves %s", os.getpid(), self.summary())
            self.serving = True

    # Signals

    def on_signal(self, number: signal.Signals) -> None:
        """Nothing is in hand at any moment: what has not been enqueued, others or a later daemon
        will enqueue."""
        if number in STOPS:
            raise SystemExit(0)
        self.stale = self.stale or number == signal.SIGHUP

    # The schedule

    def look(self) -> None:
        """See what time it is, and whether the schedule has changed."""
        now, version = self.store.look()
        self.looked = time.monotonic()
        self.ahead = now - self.looked
        if self.stale:
            self.schedule, self.stale, self.version = self.written(), False, ""
        if version != self.version:
            self.kept = self.store.load()
            self.follow(self.schedule.with_kept(self.kept))
            self.version = version

    def follow(self, schedule: Schedule) -> None:
        """Keep to the courses of entries that are as they were; others must begin."""
        courses, self.waiting = self.courses, {}
        self.courses = {}
        for name, entry in schedule.entries.items():
            try:
                target = target_of(entry)
            except ConfigurationError as error:
                schedule.errors.append(error)
                continue
            known = courses.get(name)
            if known is None or (known.entry, known.target) != (entry, target):
                self.waiting[name] = (entry, target)
            else:
                self.courses[name] = known
                self.pace(known)
        self.complain(schedule.errors)
        show(f"scheduler: {len(schedule.entries)} entries")

    def complain(self, errors: Iterable[ConfigurationError]) -> None:
        """Report each error once, as long as it lasts."""
        found = {str(error) for error in errors}
        for text in sorted(found - self.told):
            logger.error("%s; it is left out", text)
        self.told = found

    def begin(self) -> None:
        """Learn from where on new entries fire."""
        for queue, group in grouped(self.waiting.values()).items():
            since = self.since(*queue, [entry for entry, _ in group])
            for (entry, target), last in zip(group, since, strict=bool(since)):
                self.courses[entry.name] = course = Course(entry, target, last)
                self.pace(course)
                del self.waiting[entry.name]

    def since(self, app: App, queue: str, entries: list[Entry]) -> list[int]:
        """For each entry the last tick that is dealt with; nothing when Redis does not answer."""
        try:
            found = Store(app).begin(queue, entries)
        except BrokerError as error:
            if queue not in self.cut_off:
                logger.warning("queue %r: %s; trying again", queue, error)
            self.cut_off.add(queue)
            return []
        self.cut_off.discard(queue)
        return found

    def pace(self, course: Course) -> None:
        """Heed pauses: what falls into one is not made up for."""
        course.paused = course.entry.name in self.kept.paused
        course.go_on(self.kept.since.get(course.entry.name, 0))

    # Firing

    def now(self) -> float:
        """The time of Redis, in epoch seconds."""
        return time.monotonic() + self.ahead

    def fire(self) -> None:
        """Fire what is due."""
        now = int(self.now())
        due = [course for course in self.courses.values() if (course.next or now + 1) <= now]
        self.catch_up([course for course in due if (course.next or now) < now - PUNCTUAL])
        if due:
            fire(due, now)

    def catch_up(self, late: Iterable[Course]) -> None:
        """Who was frozen, or cut off, asks how far the others have come meanwhile."""
        for queue, group in grouped((each, each.target) for each in late).items():
            since = self.since(*queue, [course.entry for course, _ in group])
            for (course, _), last in zip(group, since, strict=bool(since)):
                course.go_on(last)
                if course.next is not None and course.next < self.now() - PUNCTUAL:
                    logger.warning("%s: has missed %s", course, instant(course.next))

    def rest(self, wake: Wake) -> None:
        """Sleep until the next tick or look, or a signal."""
        select.select([wake], [], [], self.idle_seconds())
        wake.clear()

    def idle_seconds(self) -> float:
        """How long there is nothing to do. Ticks that must wait are tried again with each look."""
        if self.backoff.failures:
            return self.backoff.seconds()
        courses = self.courses.values()
        ticks = [each.next for each in courses if each.next is not None and not each.trouble]
        tick = min(ticks, default=float("inf")) - self.now()
        return max(0.0, min(tick, self.looked + LOOK - time.monotonic()))

    def summary(self) -> str:
        """How many entries there are, and which is next."""
        count = len(self.courses)
        text = "1 entry" if count == 1 else f"{count} entries"
        to_come = [course for course in self.courses.values() if course.next is not None]
        if not to_come:
            return text
        first = min(to_come, key=lambda course: course.next or 0)
        return f"{text}, next {first} at {instant(first.next or 0)}"


def grouped(
    pairs: Iterable[tuple[T, Target]],
) -> dict[tuple[App, str], list[tuple[T, Target]]]:
    """By the queue into which they lead."""
    groups = defaultdict[tuple[App, str], list[tuple[T, Target]]](list)
    for each, target in pairs:
        groups[target.app, target.queue].append((each, target))
    return groups
