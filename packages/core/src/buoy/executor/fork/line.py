"""The worker's end of a nursery: its process, and the wire to it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from select import POLLIN, POLLOUT, poll
from typing import Any

from ...loading.served_app import Wanted
from ...process.system import end_sessions
from .board import Board
from .frames import Frames, frame

TITLE_ROOM = " " * 160
"""A title takes no more room than the command line had; see titles.py."""


class Line:
    """A nursery that was started, and what it says. It is open until the nursery is gone."""

    def __init__(self, app: Sequence[str], wanted: Wanted, verbosity: int) -> None:
        self.board = Board.new()
        ours, theirs = socket.socketpair()
        files = [theirs.fileno()] + [self.board.file] * (self.board.file >= 0)
        command = [sys.executable, "-m", "buoy.executor.fork.nursery", str(files[0]), TITLE_ROOM]
        self.process = subprocess.Popen(
            command, pass_fds=files, stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        self.socket, self.frames = ours, Frames()
        self.open = True
        self.unread: list[Any] = []
        order = {"worker": os.getpid(), "app": list(app), "verbosity": verbosity}
        self.say(order | {"wanted": asdict(wanted), "board": self.board.file})

    def say(self, value: dict[str, Any]) -> None:
        """Send a value, and hear what comes meanwhile: both sides may have much to say."""
        data = memoryview(frame(value))
        wire = poll()
        wire.register(self.socket, POLLIN | POLLOUT)
        while data and self.open:
            [(_, events)] = wire.poll()
            if events & ~POLLOUT:
                self.listen(socket.MSG_DONTWAIT)
            if events & POLLOUT and self.open:
                with suppress(BlockingIOError, BrokenPipeError):
                    data = data[self.socket.send(data, socket.MSG_DONTWAIT) :]

    def heard(self, flags: int = socket.MSG_DONTWAIT) -> Iterator[Any]:
        """What the nursery has said; without flags: until it is gone."""
        while self.open and self.listen(flags):
            yield from self.told()
        yield from self.told()

    def told(self) -> list[Any]:
        told, self.unread = self.unread, []
        return told

    def listen(self, flags: int) -> bool:
        """Read from the wire; False when there is nothing more, for now or for ever."""
        try:
            data = self.socket.recv(1 << 16, flags)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            data = b""
        try:
            self.unread += self.frames.feed(data)
        except (ValueError, RecursionError):  # the app wrote into a file that is not its own
            data = b""
        if not data:
            self.hang_up()
        return self.open

    def hang_up(self) -> None:
        if self.open:
            self.open = False
            self.socket.close()

    def end(self, patience: float) -> int | None:
        """Leave nothing of the nursery behind, nor of the jobs that it has run: it has so many
        seconds to end by itself. Returns its exit code; None when it had to be killed."""
        self.hang_up()
        code = None
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        end_sessions({self.process.pid} | self.board.taken())
        self.board.close()
        return code
