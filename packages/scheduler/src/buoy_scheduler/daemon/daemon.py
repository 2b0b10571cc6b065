"""The daemon: fires each entry at its ticks. Any number of daemons may run; there is no leader."""

import os
import select
import signal
import time
from collections.abc import Callable
from typing import NoReturn

from buoy import App, BrokerError
from buoy.plugins import Log
from buoy.plugins.daemon import STOP_SIGNALS, Backoff, SignalPipe, raise_if_permanent, set_title

from ..schedule import Schedule
from ..store import Store
from ..ticks import PUNCTUAL
from .due_ticks import fire_due, format_tick
from .entry_progress import EntryProgress
from .entry_tracker import EntryTracker

log = Log("buoy.scheduler")

POLL_SECONDS = 1.0
"""Seconds between two polls of Redis: for its clock, and for changes of the schedule."""


class Daemon:
    """Fires the entries of the schedule that ``read_schedule`` returns, and those that were set at
    run time."""

    def __init__(self, app: App, read_schedule: Callable[[], Schedule]) -> None:
        self.store, self.read_schedule = Store(app), read_schedule
        self.schedule = Schedule()
        self.tracker = EntryTracker(app)
        self.version = ""
        self.clock_offset = 0.0
        """Seconds by which the clock of Redis is ahead of the monotonic clock of this process."""
        self.polled_at = float("-inf")
        self.backoff = Backoff()
        self.stale, self.serving, self.told_to_end = True, False, False
        self.reported: set[str] = set()

    @property
    def progress(self) -> dict[str, EntryProgress]:
        """The entries that fire, by name."""
        return self.tracker.progress

    def run(self) -> NoReturn:
        """Fires entries until a signal ends the process."""
        with SignalPipe(self.on_signal, also=[signal.SIGHUP]) as signals:
            try:
                while not self.told_to_end:
                    self.step()
                    self.sleep(signals)
            finally:
                log.info("scheduler %d ends", os.getpid())
        raise SystemExit(0)

    def step(self) -> None:
        """Polls Redis when it is time, and fires the due ticks."""
        try:
            if self.stale or time.monotonic() >= self.polled_at + POLL_SECONDS:
                self.poll()
            self.tracker.start()
            busy = self.fire()
            self.tracker.touch(self.now(), busy)
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
        """Ends the process, or reads the file again. The process can end at any moment: ticks that
        are not enqueued yet are enqueued by another daemon, or by the next one. The interrupted
        code, such as a handler of the log, may catch the SystemExit; then ``run`` ends."""
        if number in STOP_SIGNALS:
            self.told_to_end = True
            raise SystemExit(0)
        self.stale = self.stale or number == signal.SIGHUP

    # The schedule

    def poll(self) -> None:
        """Reads the clock of Redis, and the schedule if it has changed."""
        now, version = self.store.poll()
        self.polled_at = time.monotonic()
        self.clock_offset = now - self.polled_at
        if self.tracker.drop_ahead(now):
            self.version = ""
        if self.stale:
            self.schedule = self.read_schedule().with_fallbacks(self.schedule)
            self.stale, self.version = False, ""
        if version != self.version:
            runtime = self.store.load()
            schedule = self.schedule.with_runtime(runtime)
            self.tracker.update(schedule, runtime)
            self.report_errors(schedule.error_messages())
            set_title(f"scheduler: {len(schedule.entries)} entries")
            self.version = version

    def report_errors(self, messages: set[str]) -> None:
        """Logs each error once, until it is gone."""
        for message in sorted(messages - self.reported):
            log.error("%s", message)
        self.reported = messages

    # Firing

    def now(self) -> float:
        """Returns the time of Redis, in epoch seconds."""
        return time.monotonic() + self.clock_offset

    def fire(self) -> bool:
        """Fires the due ticks; returns whether there were any."""
        now = int(self.now())
        due = [each for each in self.progress.values() if (each.next or now + 1) <= now]
        late = [each for each in due if (each.next or now) < now - PUNCTUAL]
        self.tracker.catch_up(late)
        for each in late:
            if not each.error and (each.next or now) < now - PUNCTUAL:
                log.warning("%s: has missed %s", each, format_tick(each.next or now))
        if due:
            fire_due(due, now)
        return bool(due)

    def sleep(self, signals: SignalPipe) -> None:
        """Sleeps until the next tick, the next poll or a signal."""
        select.select([signals], [], [], self.idle_seconds())
        signals.clear()

    def idle_seconds(self) -> float:
        """Returns the seconds until there is something to do. Postponed ticks are tried again with
        each poll."""
        if self.backoff.failures:
            return self.backoff.seconds_left()
        entries = self.progress.values()
        ticks = [each.next for each in entries if each.next is not None and not each.error]
        tick = min(ticks, default=float("inf")) - self.now()
        return max(0.0, min(tick, self.polled_at + POLL_SECONDS - time.monotonic()))

    def summary(self) -> str:
        """Returns how many entries there are and which fires next, for the log."""
        count = len(self.progress)
        text = "1 entry" if count == 1 else f"{count} entries"
        waiting = [each for each in self.progress.values() if each.next is not None]
        if not waiting:
            return text
        first = min(waiting, key=lambda each: each.next or 0)
        return f"{text}, next {first} at {format_tick(first.next or 0)}"
