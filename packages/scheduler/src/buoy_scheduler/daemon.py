"""The daemon: fires each entry at its ticks. Any number of them may run, none is the leader."""

import logging
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

from buoy import App, BrokerError, ConfigurationError
from buoy.backoff import Backoff
from buoy.signals import STOPS, Wake
from buoy.titles import show

from .care import Care, by_queue, grouped
from .course import Course
from .entry import Entry
from .firing import Target, target_of
from .schedule import Schedule
from .store import Kept, Store
from .ticks import PUNCTUAL
from .volley import fire, instant

logger = logging.getLogger("buoy.scheduler")

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
        self.verdicts: dict[str, tuple[Entry, Target | ConfigurationError]] = {}
        self.off: set[str] = set()
        """Entries that are switched off, and are known in Redis to be so."""
        self.care = Care(app)
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
            self.touch(busy=self.fire())
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
        for course in self.care.taken_back(self.courses.values(), now):
            del self.courses[course.entry.name]
            self.version = ""
        if self.stale:
            self.schedule = self.written().after(self.schedule)
            self.stale, self.version = False, ""
        if version != self.version:
            self.kept = self.store.load()
            self.follow(self.schedule.with_kept(self.kept))
            self.version = version

    def follow(self, schedule: Schedule) -> None:
        """Keep to the courses of entries that are as they were; others must begin."""
        courses, self.courses, self.waiting = self.courses, {}, {}
        verdicts, self.verdicts = self.verdicts, {}
        for name, entry in schedule.entries.items():
            known = verdicts.get(name)
            target = known[1] if known and known[0] == entry else judged(entry)
            self.verdicts[name] = entry, target
            if isinstance(target, ConfigurationError):
                schedule.errors.append(target)
            elif entry.enabled:
                self.go_on_with(courses.get(name), entry, target)
        self.part(courses)
        self.complain(schedule.complaints())
        show(f"scheduler: {len(schedule.entries)} entries")

    def go_on_with(self, known: Course | None, entry: Entry, target: Target) -> None:
        if known is None or (known.entry, known.target) != (entry, target):
            self.waiting[entry.name] = (entry, target)
            return
        self.courses[entry.name] = known
        self.pace(known)

    def part(self, courses: Mapping[str, Course]) -> None:
        """Note of entries that were taken out, or switched off, that they begin anew some day."""
        leaving = [
            (name, course.target) for name, course in courses.items() if self.has_left(name, course)
        ]
        off = {name: target for name, (each, target) in self.verdicts.items() if not each.enabled}
        for name, target in off.items():
            if name not in self.off and isinstance(target, Target):
                leaving.append((name, target))
        self.off = set(off)
        if leaving:
            self.care.part(grouped(leaving))

    def has_left(self, name: str, course: Course) -> bool:
        """Whether an entry fires into its queue no more."""
        verdict = self.verdicts.get(name)
        if verdict is None:
            return True
        target = verdict[1]
        before = course.target
        return isinstance(target, Target) and target.together[:2] != before.together[:2]

    def complain(self, found: set[str]) -> None:
        """Report each error once, as long as it lasts."""
        for text in sorted(found - self.told):
            logger.error("%s", text)
        self.told = found

    def begin(self) -> None:
        """Learn from where on new entries fire."""
        self.care.note(target for _, target in self.waiting.values())
        for queue, group in grouped((pair, pair[1]) for pair in self.waiting.values()).items():
            since = self.since(*queue, [entry for entry, _ in group])
            for (entry, target), last in zip(group, since, strict=bool(since)):
                self.courses[entry.name] = course = Course(entry, target, last)
                course.paused = entry.name in self.kept.paused
                self.advance(course, self.kept.since.get(entry.name, 0))
                del self.waiting[entry.name]

    def touch(self, busy: bool) -> None:
        """Now and then, let Redis know which entries are followed, and forget others."""
        now = self.now()
        if self.care.is_due(now, busy):
            self.care.touched = now
            self.care.note(course.target for course in self.courses.values())
            self.catch_up(self.courses.values())
            self.care.sweep(now)

    def since(self, app: App, queue: str, entries: list[Entry]) -> list[int]:
        """For each entry the last tick that is dealt with; nothing when Redis does not answer."""
        try:
            found = Store(app).begin(queue, entries, self.kept.since)
        except BrokerError as error:
            if queue not in self.cut_off:
                logger.warning("queue %r: %s; trying again", queue, error)
            self.cut_off.add(queue)
            return []
        self.cut_off.discard(queue)
        return found

    def pace(self, course: Course) -> None:
        """Heed pauses: what falls into one is not made up for."""
        paused = course.entry.name in self.kept.paused
        since = self.kept.since.get(course.entry.name, 0)
        if paused != course.paused or since > course.last:
            course.paused = paused
            self.advance(course, since)

    def advance(self, course: Course, last: int) -> None:
        """Go on; what cannot be told of one entry is no matter of the others."""
        try:
            course.go_on(last)
        except Exception:
            logger.exception("%s: its next tick cannot be told; fires no more", course)
            course.next = None

    # Firing

    def now(self) -> float:
        """The time of Redis, in epoch seconds."""
        return time.monotonic() + self.ahead

    def fire(self) -> bool:
        """Fire what is due; whether anything was."""
        now = int(self.now())
        due = [course for course in self.courses.values() if (course.next or now + 1) <= now]
        late = [course for course in due if (course.next or now) < now - PUNCTUAL]
        self.catch_up(late)
        for course in late:
            if not course.trouble and (course.next or now) < now - PUNCTUAL:
                logger.warning("%s: has missed %s", course, instant(course.next or now))
        if due:
            fire(due, now)
        return bool(due)

    def catch_up(self, courses: Iterable[Course]) -> None:
        """See how far others have come meanwhile: for one who was frozen, or cut off."""
        for queue, group in by_queue(courses).items():
            since = self.since(*queue, [course.entry for course in group])
            for course, last in zip(group, since, strict=bool(since)):
                if last > course.last:
                    self.advance(course, last)

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


def judged(entry: Entry) -> Target | ConfigurationError:
    try:
        return target_of(entry)
    except ConfigurationError as error:
        return error
