"""Runs each job in a fresh child of the nursery, as many at once as there are slots."""

import math
import time
from collections.abc import Sequence
from typing import Any

from ...connection.backoff import Backoff
from ...errors import ConfigurationError, DirtyExit
from ...jobs.run import lost, settle_plainly
from ...loading.served_app import ANY, Wanted
from ...model.reservation import Reservation, Settlement
from ...process.logs import Log
from ...settings import Settings
from ..prefetch import PrefetchingExecutor
from .answers import settlement_of
from .line import Line

logger = Log("buoy.worker")

LAST_WORDS = 1.0
"""Seconds that a nursery gets to end when it has hung up."""
LONGEST_PAUSE = 30.0
"""Seconds, at most, before another nursery is started in the place of those that die."""
LAST_HOOK = 10.0
"""Seconds that the app has to end when all its jobs have ended."""


class Fork(PrefetchingExecutor):
    """The executor of ``--executor fork``: the worker never runs the app's own code.

    While jobs are short, the next ones are fetched ahead and wait here for a slot.
    """

    name = "fork"
    in_process = False
    last_words = 0.0

    def __init__(
        self, app: Sequence[str], slots: int = 1, wanted: Wanted = ANY, verbosity: int = 0
    ) -> None:
        super().__init__(app, slots, wanted)
        self.verbosity = verbosity
        self.running: dict[str, tuple[Reservation, float]] = {}
        self.line: Line | None = None
        self.ready = self.closing = False
        self.pause = Backoff(LONGEST_PAUSE)
        self.batch.slow(slots)  # until jobs have shown to be short, none is fetched ahead

    def start(self) -> Settings:
        """Start a nursery and wait until it has loaded the app."""
        self.line = Line(self.app, self.wanted, self.verbosity)
        reason = "the process that loads the app ended without a word"
        for message in self.line.heard(0):
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
    def tended(self) -> bool:
        return bool(self.batch.waiting)

    def room(self) -> int:
        return super().room() if self.ready else 0

    def begin(self, held: Sequence[Reservation]) -> None:
        self.take(held)
        self.fill()

    def fill(self) -> None:
        """Give each free slot a job."""
        while self.ready and len(self.running) < self.slots and (held := self.batch.next()):
            self.running[held.token] = held, time.monotonic()
            self.say({"run": held})

    def ended(self) -> list[Settlement]:
        """What has ended, when it is time to fetch more: settling it takes the same trip."""
        self.wake.clear()
        self.hear()
        self.fill()
        self.give_back_late()
        return self.batch.ended() if self.batch.low(self.slots) else []

    def hear(self) -> None:
        """Take in what the nursery says; when it has died, start another after a pause."""
        if self.line is None:
            if not self.patience() and not self.closing:
                self.start_again()
            return
        for message in self.line.heard():
            self.take_in(message)
        if not self.line.open:
            self.bury(self.line)

    def start_again(self) -> None:
        try:
            self.line = Line(self.app, self.wanted, self.verbosity)
        except OSError as error:  # no memory, too many processes or files
            logger.error("no process to load the app: %s; trying again", error)
            self.pause.fail()

    def take_in(self, message: Any) -> None:
        match message:
            case {"ended": str(token)}:
                self.take_answer(token, message)
            case {"ready": _}:
                self.ready = True
            case {"broken": text}:
                logger.error("the app can no longer be loaded: %s", text)
            case _:
                logger.error("the nursery says what makes no sense: %.200r", message)

    def take_answer(self, token: str, answer: Any) -> None:
        """Hear what has become of a job; of one that was lost, that it is gone."""
        if token not in self.running:
            return
        held, started = self.running[token]
        settlement = settlement_of(held, answer)
        if settlement is None:
            senseless = DirtyExit(f"the nursery answers what makes no sense: {answer!r:.200}")
            settlement = settle_plainly(held, senseless)
        self.pause.clear()
        self.has_ended(settlement, time.monotonic() - started)

    def bury(self, line: Line) -> None:
        """The nursery has died, and all its children with it: the jobs count that as a crash."""
        code = line.end(LAST_WORDS)
        logger.error("the nursery ended (exit code %s) with %d jobs", code, len(self.running))
        for held, _ in self.running.values():
            self.batch.settlements.append(crashed(held))
            self.turns.end(held)
        self.running.clear()
        self.line, self.ready = None, False
        self.retire()
        self.pause.fail()

    def files(self) -> list[int]:
        return super().files() + ([] if self.line is None else [self.line.socket.fileno()])

    def patience(self) -> float:
        return math.inf if self.line is not None else self.pause.seconds()

    def abandon(self, lost: Sequence[Reservation]) -> None:
        super().abandon(lost)
        self.say({"kill": [each.token for each in lost], "why": "lost"})

    def kill(self) -> None:
        self.say({"kill": list(self.running), "why": "killed"})

    def stop(self) -> None:
        self.say({"stop": True})

    def say(self, order: dict[str, Any]) -> None:
        if self.line is not None:
            self.line.say(order)

    def close(self) -> None:
        """End the nursery; its hook worker_stopping has a while to end in order."""
        self.closing = True
        self.say({"close": True})
        self.wake.close()
        if self.line is None:
            return
        patience = LAST_HOOK if self.ready else LAST_WORDS
        if self.line.end(patience) is None and self.ready:
            logger.error("the app's hook worker_stopping has not ended within %g s", patience)


def crashed(held: Reservation) -> Settlement:
    """What becomes of a job whose nursery has died. One that was given up was not to run any more:
    it could not even be asked about there."""
    if held.given_up:
        return settle_plainly(held, lost(held))
    return Settlement.of(held, "crashed")
