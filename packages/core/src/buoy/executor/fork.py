"""Runs each job in a fresh child of the nursery, as many at once as there are slots."""

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from select import select
from typing import Any

from ..config import Settings
from ..errors import ConfigurationError
from ..reservation import Reservation, Settlement
from ..serving import ANY, Wanted
from .batch import Ahead
from .frames import Frames, frame

logger = logging.getLogger("buoy.worker")

TITLE_ROOM = " " * 160
"""A title takes no more room than the command line had; see titles.py."""
LAST_HOOK = 10.0
"""Seconds that the app has to end when all its jobs have ended."""


class Fork(Ahead):
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
        self.backlog: list[dict[str, Any]] = []
        self.control: socket.socket | None = None
        self.batch.slow(slots)  # until jobs have shown to be short, none is fetched ahead

    def start(self) -> Settings:
        """Start a nursery and wait until it has loaded the app."""
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "buoy.executor.nursery", str(theirs.fileno()), TITLE_ROOM]
        self.nursery = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        self.control, self.frames = ours, Frames()
        order = {"worker": os.getpid(), "app": self.app, "verbosity": self.verbosity}
        self.say(order | {"wanted": asdict(self.wanted)})
        match next(self.heard(), None):
            case {"ready": settings}:
                return Settings(**settings)
            case {"broken": text}:
                reason = str(text)
            case _:
                reason = "the process that loads the app ended without a word"
        self.close()
        raise ConfigurationError(reason)

    @property
    def tended(self) -> bool:
        return bool(self.batch.waiting)

    def begin(self, held: Sequence[Reservation]) -> None:
        self.take(held)
        self.fill()

    def fill(self) -> None:
        """Give each free slot a job."""
        while len(self.running) < self.slots and (held := self.batch.next()):
            self.running[held.token] = held, time.monotonic()
            self.say({"run": held})

    def ended(self) -> list[Settlement]:
        """What has ended, when it is time to fetch more: settling it takes the same trip."""
        self.caller.clear()
        answers, self.backlog = [*self.backlog, *self.heard(socket.MSG_DONTWAIT)], []
        for answer in answers:
            self.take_in(answer)
        if self.control is None:
            self.replace()
        self.fill()
        self.give_back_late()
        return self.batch.ended() if self.batch.low(self.slots) else []

    def take_in(self, answer: dict[str, Any]) -> None:
        """Hear what has become of a job; of one that was lost, that it is gone."""
        token = answer.pop("ended")
        if token in self.running:
            held, started = self.running[token]
            self.has_ended(Settlement.of(held, **answer), time.monotonic() - started)

    def replace(self) -> None:
        """The nursery has died, and all its children with it: the jobs count that as a crash."""
        status = self.nursery.wait()
        logger.error("the nursery ended (exit code %s) with %d jobs", status, len(self.running))
        for held, _ in self.running.values():
            self.batch.settlements.append(Settlement.of(held, "crashed"))
            self.turns.end(held)
        self.running.clear()
        self.retire()
        self.start()

    def files(self) -> list[int]:
        return super().files() + ([] if self.control is None else [self.control.fileno()])

    def abandon(self, lost: Sequence[Reservation]) -> None:
        super().abandon(lost)
        self.say({"kill": [each.token for each in lost], "why": "lost"})

    def kill(self) -> None:
        self.say({"kill": list(self.running), "why": "killed"})

    def stop(self) -> None:
        self.say({"stop": True})

    def close(self) -> None:
        """End the nursery; its hook worker_stopping has a while to end in order."""
        self.say({"close": True})
        self.hang_up()
        self.caller.close()
        try:
            self.nursery.wait(LAST_HOOK)
        except subprocess.TimeoutExpired:
            logger.error("the app's hook worker_stopping has not ended within %g s", LAST_HOOK)
            self.nursery.kill()
            self.nursery.wait()

    # The wire to the nursery

    def say(self, value: dict[str, Any]) -> None:
        """Send a value, and hear what comes meanwhile: both sides may have much to say."""
        data = memoryview(frame(value))
        while data and self.control is not None:
            readable, writable, _ = select([self.control], [self.control], [])
            if readable:
                self.backlog += self.heard(socket.MSG_DONTWAIT)
            if writable and self.control is not None:
                with suppress(BlockingIOError, BrokenPipeError):
                    data = data[self.control.send(data, socket.MSG_DONTWAIT) :]

    def heard(self, flags: int = 0) -> Iterator[dict[str, Any]]:
        """What the nursery says, until there is no more for now, or it is gone."""
        while self.control is not None:
            try:
                data = self.control.recv(1 << 16, flags)
            except BlockingIOError:
                return
            except ConnectionResetError:
                data = b""
            if not data:
                self.hang_up()
            yield from self.frames.feed(data)

    def hang_up(self) -> None:
        if self.control is not None:
            self.control.close()
            self.control = None
