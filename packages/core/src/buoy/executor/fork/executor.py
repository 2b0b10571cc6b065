"""Runs each job in a new child of the nursery, as many at once as there are slots."""

import math
import time
from collections.abc import Sequence
from typing import Any

from ...connection.backoff import Backoff
from ...errors import ConfigurationError, DirtyExit
from ...jobs.run import settle_without_plugins
from ...jobs.run_failures import worker_lost
from ...jobs.run_log import log_failed, log_run, readable_payload
from ...loading.served_app import ANY, WantedApp
from ...model.failure import Failure
from ...model.reservation import Reservation, Settlement
from ...process.logs import WARNING, Log
from ...settings import Settings
from ..prefetch import PrefetchingExecutor
from .answers import parse_answer
from .nursery_process import NurseryProcess

logger = Log("buoy.worker")

END_SECONDS = 1.0
"""Seconds in which a nursery may end that has closed its socket."""
LONGEST_PAUSE = 30.0
"""Seconds, at most, before a new nursery takes the place of one that has died."""
HOOK_SECONDS = 10.0
"""Seconds in which the app may end, by its hook worker_stopping, after all its jobs."""


class Fork(PrefetchingExecutor):
    """The executor of ``--executor fork``: the worker never runs the app's own code.

    While jobs are short, the next ones are reserved ahead and wait here for a slot.
    """

    name = "fork"
    in_process = False
    shutdown_seconds = 0.0

    def __init__(
        self, app: Sequence[str], slots: int = 1, wanted: WantedApp = ANY, verbosity: int = 0
    ) -> None:
        super().__init__(app, slots, wanted)
        self.verbosity = verbosity
        self.running: dict[str, tuple[Reservation, float]] = {}
        """What the nursery runs, by token, with the start by time.monotonic()."""
        self.nursery: NurseryProcess | None = None
        self.ready = self.closing = False
        self.stop_untold = False
        """Whether the nursery is still to be told that the worker stops."""
        self.pause = Backoff(LONGEST_PAUSE)
        self.prefetched.slow_down(slots)  # reserve none ahead before jobs have shown to be short

    def start(self) -> Settings:
        """Start a nursery, wait until it has loaded the app, and return the app's settings.

        Raises ConfigurationError, with the message of the nursery, when it cannot load the app.
        """
        self.nursery = NurseryProcess(self.app, self.wanted, self.verbosity)
        reason = "the process that loads the app ended without a message"
        for message in self.nursery.messages(0):
            match message:
                case {"ready": settings}:
                    self.ready = True
                    return Settings(**settings)
                case {"broken": text}:
                    reason = str(text)
                    break
        self.close()
        raise ConfigurationError(reason)

    @property
    def needs_watching(self) -> bool:
        return bool(self.prefetched.waiting)

    def capacity(self) -> int:
        return super().capacity() if self.ready else 0

    def start_jobs(self, reservations: Sequence[Reservation]) -> None:
        self.add_waiting(reservations)
        self.fill_slots()

    def fill_slots(self) -> None:
        """Start a job in each free slot."""
        while (
            self.ready
            and len(self.running) < self.slots
            and (reservation := self.prefetched.next())
        ):
            self.running[reservation.token] = reservation, time.monotonic()
            self.send({"run": reservation})

    def take_finished(self) -> list[Settlement]:
        """The settlements of jobs that have ended, once it is time to reserve more: then one round
        trip does both."""
        self.wake.clear()
        self.tell_of_stop()
        self.read_nursery()
        self.fill_slots()
        self.release_overdue()
        if not self.prefetched.is_low(self.slots):
            return []
        return self.prefetched.take_finished()

    def read_nursery(self) -> None:
        """Take in the messages of the nursery. When it has died, start a new one after a pause."""
        if self.nursery is None:
            if not self.seconds_until_due() and not self.closing:
                self.start_again()
            return
        for message in self.nursery.messages():
            self.take_message(message)
        if not self.nursery.open:
            self.handle_death(self.nursery)

    def start_again(self) -> None:
        """Start a new nursery; if the system refuses, try again after a pause."""
        try:
            self.nursery = NurseryProcess(self.app, self.wanted, self.verbosity)
        except OSError as error:  # no memory, too many processes or files
            logger.error("no process to load the app: %s; trying again", error)
            self.pause.fail()

    def take_message(self, message: Any) -> None:
        """Take in one message of the nursery. Logs a message of an unknown form."""
        match message:
            case {"ended": str(token)}:
                self.take_answer(token, message)
            case {"ready": _}:
                self.ready = True
            case {"broken": text}:
                logger.error("the app can no longer be loaded: %s", text)
            case _:
                logger.error("the nursery sent a message that makes no sense: %.200r", message)

    def take_answer(self, token: str, answer: Any) -> None:
        """Take in the outcome of a job. A job whose lease was lost has an answer, too, when its
        process is gone."""
        if token not in self.running:
            return
        reservation, started = self.running[token]
        settlement = parse_answer(reservation, answer)
        if settlement is None:
            senseless = DirtyExit(
                f"the nursery sent an answer that makes no sense: {answer!r:.200}"
            )
            settlement = settle_without_plugins(reservation, senseless)
        match answer:
            case {"unlogged": [str(error), str(message)]}:
                log_failed(reservation, readable_payload(reservation), Failure(error, message))
        self.pause.clear()
        self.finish_job(settlement, time.monotonic() - started)

    def handle_death(self, nursery: NurseryProcess) -> None:
        """The nursery has died, and all its children with it: each job counts this as a crash."""
        code = nursery.end(END_SECONDS)
        logger.error("the nursery ended (exit code %s) with %d jobs", code, len(self.running))
        for reservation, _ in self.running.values():
            self.prefetched.settlements.append(settle_crash(reservation))
            if newer := self.exclusive.finish(reservation):
                self.prefetched.waiting.appendleft(newer)
        self.running.clear()
        self.nursery, self.ready = None, False
        self.release_waiting()
        self.pause.fail()

    def files(self) -> list[int]:
        return super().files() + ([] if self.nursery is None else [self.nursery.socket.fileno()])

    def seconds_until_due(self) -> float:
        """Seconds until a new nursery is to be started; infinite while there is one."""
        return math.inf if self.nursery is not None else self.pause.seconds_left()

    def abandon(self, lost: Sequence[Reservation]) -> None:
        super().abandon(lost)
        self.send({"kill": [each.token for each in lost], "why": "lost"})

    def kill(self) -> None:
        self.send({"kill": list(self.running), "why": "killed"})

    def begin_stop(self) -> None:
        """Have the main thread tell the nursery: it may be writing another order right now."""
        self.stop_untold = True

    def tell_of_stop(self) -> None:
        if self.stop_untold:
            self.stop_untold = False
            self.send({"stopping": True})

    def terminate(self) -> None:
        self.send({"terminate": True})

    def send(self, order: dict[str, Any]) -> None:
        """Send an order to the nursery, if there is one."""
        if self.nursery is not None:
            self.nursery.send(order)

    def close(self) -> None:
        """End the nursery. The app has HOOK_SECONDS for its hook worker_stopping, in the nursery;
        what that raises is logged there."""
        self.closing = True
        self.send({"close": True})
        self.wake.close()
        if self.nursery is None:
            return
        seconds = HOOK_SECONDS if self.ready else END_SECONDS
        if self.nursery.end(seconds) is None and self.ready:
            logger.error("the app's hook worker_stopping has not ended within %g s", seconds)


def settle_crash(reservation: Reservation) -> Settlement:
    """The settlement of a job whose nursery has died: it counts a crash. A job that has reached the
    limit of crashes fails: the nursery, which would ask its plugins, is dead."""
    if reservation.crash_limit_reached:
        return settle_without_plugins(reservation, worker_lost(reservation))
    text = "queued again: its process ended with the nursery"
    log_run(WARNING, "lost", reservation, readable_payload(reservation), text)
    return Settlement.of(reservation, "crashed")
