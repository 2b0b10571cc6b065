"""A command in a terminal of its own, as a user has it."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import ROOT, WITHIN, wait_until

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class PtyProcess:
    """``buoy`` with these words in a terminal of this size."""

    def __init__(
        self, words: tuple[str, ...], env: Mapping[str, str], columns: int, lines: int
    ) -> None:
        self.output = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            program = str(Path(sys.executable).with_name("buoy"))
            os.execve(program, [program, *words], {**os.environ, **env})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.code: int | None = None

    def read(self) -> str:
        """All that it has printed so far."""
        while self.code is None and select.select([self.fd], [], [], 0.01)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:  # it has ended
                data = b""
            if not data:
                self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            self.output += data.decode(errors="replace")
        return self.output

    @property
    def text(self) -> str:
        """The same without control codes."""
        return CONTROL.sub("", self.read()).replace("\r\n", "\n")

    def wait_for(self, part: str) -> str:
        """Wait until it has printed a text."""
        wait_until(lambda: part in self.text, what=lambda: f"{part!r} in {self.output[-2000:]!r}")
        return self.text

    def press(self, keys: str) -> None:
        """Type on its keyboard."""
        os.write(self.fd, keys.encode())

    def end(self, within: float = WITHIN) -> int:
        """Wait until it has ended; returns its exit code."""

        def ended() -> bool:
            self.read()
            return self.code is not None

        wait_until(ended, within, what=lambda: f"its end: {self.output[-2000:]!r}")
        assert self.code is not None
        return self.code


@contextmanager
def in_terminal(
    *words: str, url: str, columns: int = 80, lines: int = 24, env: Mapping[str, str] | None = None
) -> Iterator[PtyProcess]:
    """Run ``buoy`` in a terminal; kill it at the end of the block if it still runs."""
    surroundings = {"BUOY_URL": url, "TERM": "xterm-256color", "COLUMNS": str(columns)}
    process = PtyProcess(words, surroundings | {"LINES": str(lines), **(env or {})}, columns, lines)
    try:
        yield process
    finally:
        if process.code is None:
            os.kill(process.pid, signal.SIGKILL)
            os.waitpid(process.pid, 0)
        os.close(process.fd)
