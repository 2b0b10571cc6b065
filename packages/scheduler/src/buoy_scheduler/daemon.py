"""The daemon: fires each entry at its ticks. Any number of them may run, none is the leader."""

import os
import select
import signal
import time
from collections.abc import Callable
from typing import NoReturn

from buoy import App, BrokerError
from buoy.plugins import Log
from buoy.plugins.daemon import STOP_SIGNALS, Backoff, SignalPipe, raise_if_permanent, set_title

from .course import Course
from .following import Following
from .schedule import Schedule
from .store import Store
from .ticks import PUNCTUAL
from .volley import fire, instant

log = Log("buoy.scheduler")

LOOK = 1.0
"""Seconds between two looks at Redis: at its clock, and whether the schedule has changed."""


class Daemon:
    """Follows the schedule that ``written`` returns, and what is set at run time."""

    def __init__(self, app: App, written: Callable[[], Schedule]) -> None:
        self.store, self.written = Store(app), written
        self.schedule = Schedule()
        self.following = Following(app)
        self.version = ""
        self.ahead = 0.0
        """How many seconds the clock of Redis is ahead of our monotonic one."""
        self.looked = float("-inf")
        self.backoff = Backoff()
        self.stale, self.serving = True, False
        self.told: set[str] = set()

    @property
    def courses(self) -> dict[str, Course]:
        """What is followed, by name."""
        return self.following.courses

    def run(self) -> NoReturn:
        """Fire until a signal says stop."""
        with SignalPipe(self.on_signal, also=[signal.SIGHUP]) as wake:
            try:
                while True:
                    self.step()
                    self.rest(wake)
            finally:
                log.info("scheduler %d ends", os.getpid())

    def step(self) -> None:
        """Look, when it is time for it, and fire what is due."""
        try:
            if self.stale or time.monotonic() >= self.looked + LOOK:
                self.look()
            self.following.begin()
            busy = self.fire()
            self.following.touch(self.now(), busy)
        except BrokerError as error:
            if not self.serving:
                raise_if_permanent(error, self.store.app.settings.url)
            if not self.backoff.failures:
                log.warning("%s; trying again", error)
            self.backoff.fail()
            return
        if self.backoff.failures:
            log.info("Redis is back")
            self.backoff.clear()
        if not self.serving:
            log.info("scheduler %d serves %s", os.getpid(), self.summary())
            self.serving = True

    # Signals

    def on_signal(self, number: signal.Signals) -> None:
        """Nothing is in hand at any moment: what has not been enqueued, others or a later daemon
        will enqueue."""
        if number in STOP_SIGNALS:
            raise SystemExit(0)
        self.stale = self.stale or number == signal.SIGHUP

    # The schedule

    def look(self) -> None:
        """See what time it is, and whether the schedule has changed."""
        now, version = self.store.look()
        self.looked = time.monotonic()
        self.ahead = now - self.looked
        if self.following.restart(now):
            self.version = ""
        if self.stale:
            self.schedule = self.written().after(self.schedule)
            self.stale, self.version = False, ""
        if version != self.version:
            kept = self.store.load()
            schedule = self.schedule.with_kept(kept)
            self.following.follow(schedule, kept)
            self.complain(schedule.complaints())
            set_title(f"scheduler: {len(schedule.entries)} entries")
            self.version = version

    def complain(self, found: set[str]) -> None:
        """Report each error once, as long as it lasts."""
        for text in sorted(found - self.told):
            log.error("%s", text)
        self.told = found

    # Firing

    def now(self) -> float:
        """The time of Redis, in epoch seconds."""
        return time.monotonic() + self.ahead

    def fire(self) -> bool:
        """Fire what is due; whether anything was."""
        now = int(self.now())
        due = [course for course in self.courses.values() if (course.next or now + 1) <= now]
        late = [course for course in due if (course.next or now) < now - PUNCTUAL]
        self.following.catch_up(late)
        for course in late:
            if not course.trouble and (course.next or now) < now - PUNCTUAL:
                log.warning("%s: has missed %s", course, instant(course.next or now))
        if due:
            fire(due, now)
        return bool(due)

    def rest(self, wake: SignalPipe) -> None:
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
