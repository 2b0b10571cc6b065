"""Runs each job in a fresh child of the nursery, as many at once as there are slots."""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from select import select
from typing import Any

from ..errors import ConfigurationError
from ..reservation import Reservation, Settlement
from .frames import Frames, frame

logger = logging.getLogger("buoy.worker")

TITLE_ROOM = " " * 160
"""A title takes no more room than the command line had; see titles.py."""
LAST_HOOK = 10.0
"""Seconds that the app has to end when all its jobs have ended."""


class Fork:
    """The executor of ``--executor fork``: the worker never runs the app's own code."""

    name = "fork"
    in_process = False
    last_words = 0.0

    def __init__(self, app: Sequence[str], slots: int = 1, verbosity: int = 0) -> None:
        self.app, self.slots, self.verbosity = list(app), slots, verbosity
        self.running: dict[str, Reservation] = {}
        self.back: list[Settlement] = []
        self.backlog: list[dict[str, Any]] = []
        self.control: socket.socket | None = None

    def start(self) -> None:
        """Start a nursery and wait until it has loaded the app."""
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "buoy.executor.nursery", str(theirs.fileno()), TITLE_ROOM]
        self.nursery = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        self.control, self.frames = ours, Frames()
        self.say({"worker": os.getpid(), "app": self.app, "verbosity": self.verbosity})
        match next(self.heard(), None):
            case {"ready": True}:
                return
            case {"broken": text}:
                reason = str(text)
            case _:
                reason = "the process that loads the app ended without a word"
        self.close()
        raise ConfigurationError(reason)

    def room(self) -> int:
        return self.slots - len(self.running)

    def begin(self, held: Sequence[Reservation]) -> None:
        for reservation in held:
            self.running[reservation.token] = reservation
            self.say({"run": asdict(reservation)})

    def ended(self) -> list[Settlement]:
        answers, self.backlog = [*self.backlog, *self.heard(socket.MSG_DONTWAIT)], []
        ended = [self.settlement(answer) for answer in answers]
        if self.control is None:
            ended += self.replaced()
        return [each for each in ended if each is not None]

    def settlement(self, answer: dict[str, Any]) -> Settlement | None:
        held = self.running.pop(answer.pop("ended"), None)
        return None if held is None else Settlement.of(held, **answer)

    def replaced(self) -> list[Settlement]:
        """The nursery has died, and all its children with it: the jobs count that as a crash."""
        status = self.nursery.wait()
        logger.error("the nursery ended (exit code %s) with %d jobs", status, len(self.running))
        crashed = [Settlement.of(held, "crashed") for held in self.running.values()]
        self.running.clear()
        self.start()
        return crashed

    def files(self) -> list[int]:
        return [] if self.control is None else [self.control.fileno()]

    def overdue(self) -> list[Settlement]:
        return []

    def abandon(self, lost: Sequence[Reservation]) -> None:
        for reservation in lost:
            self.running.pop(reservation.token, None)
        self.say({"kill": [each.token for each in lost], "why": "lost"})

    def kill(self) -> None:
        self.say({"kill": list(self.running), "why": "killed"})

    def retire(self) -> None:
        """Nothing waits here."""

    def stop(self) -> None:
        self.say({"stop": True})

    def close(self) -> None:
        """End the nursery; its hook worker_stopping has a while to end in order."""
        self.say({"close": True})
        self.hang_up()
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
                data = self.control.recv(1 << 20, flags)
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
