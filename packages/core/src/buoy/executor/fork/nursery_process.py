"""The nursery as its worker sees it: a process, and the socket to it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from select import POLLIN, POLLOUT, poll
from typing import Any

from ...loading.served_app import WantedApp
from ...process.system import kill_sessions
from .frames import Frames, frame
from .process_table import ProcessTable

MODULE = "buoy.executor.fork.nursery_main"
TITLE_ROOM = " " * 160
"""An argument that only makes the command line longer: a title has no room beyond the length of the
command line; see ``process.titles``."""


class NurseryProcess:
    """A nursery that was started. It is open until its end of the socket is closed."""

    def __init__(self, app: Sequence[str], wanted: WantedApp, verbosity: int) -> None:
        """Start a nursery that loads this app. Raises OSError when the system has no process, file
        or memory for it."""
        with ExitStack() as undo:
            self.table = ProcessTable.new()
            undo.callback(self.table.close)
            self.socket, theirs = socket.socketpair()
            undo.enter_context(self.socket)
            with theirs:
                files = [theirs.fileno()] + [self.table.file] * (self.table.file >= 0)
                command = [sys.executable, "-m", MODULE, str(files[0]), TITLE_ROOM]
                self.process = subprocess.Popen(
                    command, pass_fds=files, stdin=subprocess.DEVNULL, start_new_session=True
                )
            undo.pop_all()
        self.frames = Frames()
        self.open = True
        self.unread: list[Any] = []
        """Messages that have arrived and are not yet taken."""
        order = {"worker": os.getpid(), "app": list(app), "verbosity": verbosity}
        self.send(order | {"wanted": asdict(wanted), "table": self.table.file})

    def send(self, order: dict[str, Any]) -> None:
        """Send an order, and read messages meanwhile: else both sides could wait for each other
        with full buffers. Does nothing when the nursery is gone."""
        if not self.open:
            return
        data = memoryview(frame(order))
        ready = poll()
        ready.register(self.socket, POLLIN | POLLOUT)
        while data and self.open:
            [(_, events)] = ready.poll()
            if events & ~POLLOUT:
                self.read(socket.MSG_DONTWAIT)
            if events & POLLOUT and self.open:
                with suppress(BlockingIOError, BrokenPipeError):
                    data = data[self.socket.send(data, socket.MSG_DONTWAIT) :]

    def messages(self, flags: int = socket.MSG_DONTWAIT) -> Iterator[Any]:
        """The messages of the nursery that have arrived. With 0 for flags, waits for more until
        the nursery is gone."""
        while self.open and self.read(flags):
            yield from self.take_unread()
        yield from self.take_unread()

    def take_unread(self) -> list[Any]:
        unread, self.unread = self.unread, []
        return unread

    def read(self, flags: int) -> bool:
        """Read from the socket. Returns False when there is nothing to read, or the nursery is
        gone."""
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
            self.disconnect()
        return self.open

    def disconnect(self) -> None:
        """Close the socket: this tells the nursery to end."""
        if self.open:
            self.open = False
            self.socket.close()

    def end(self, seconds: float) -> int | None:
        """Wait ``seconds`` for the nursery to end, then kill it, and all processes that its
        jobs have left behind. Returns its exit code, or None when it was killed here."""
        self.disconnect()
        code = None
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        kill_sessions({self.process.pid} | self.table.used_sessions())
        self.table.close()
        return code
