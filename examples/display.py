"""How the demo shows what happens: as lines, or on a terminal with a status that stays in place."""

import io
import os
import shutil
import sys
from collections import deque
from collections.abc import Sequence

TAIL = 6
BAR = 40


class LineDisplay:
    """Prints lines, for files and pipes."""

    def print_line(self, text: str = "") -> None:
        """Print a line that stays."""
        print(text, flush=True)

    def log_line(self, text: str) -> None:
        """Show a line of a log; on a terminal only the last ones are shown."""
        self.print_line(text)

    def show_status(self, status: Sequence[str]) -> None:
        """Show the status; on a terminal it replaces the one before."""

    def close(self) -> None:
        """Remove the log and the status from a terminal."""


class TerminalDisplay(LineDisplay):
    """Rewrites the last lines of a terminal: status and log. Printed lines stay above them."""

    def __init__(self) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL)
        self.status: Sequence[str] = ()
        self.height = 0

    def print_line(self, text: str = "") -> None:
        self.draw(f"{text}\n")

    def log_line(self, text: str) -> None:
        self.tail.append(text)

    def show_status(self, status: Sequence[str]) -> None:
        self.status = status
        self.draw()

    def close(self) -> None:
        self.tail.clear()
        self.show_status(())

    def draw(self, above: str = "") -> None:
        columns, lines = shutil.get_terminal_size()
        block = [line[: columns - 1] for line in self.status]
        block += [dim(line[: columns - 1]) for line in self.tail]
        block = block[: lines - 1]
        up = f"\x1b[{self.height}A" if self.height else ""
        self.height = len(block)
        below = "".join(f"{line}\n" for line in block)
        print(f"\r{up}\x1b[J{above}{below}", end="", flush=True)


def make_display() -> LineDisplay:
    """Returns the display that fits standard output."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # some terminals cannot show all names
    no_colour = os.environ.get("NO_COLOR") or os.environ.get("CI")
    dumb = os.environ.get("TERM", "dumb") == "dumb"
    lines_only = no_colour or dumb or not sys.stdout.isatty()
    return LineDisplay() if lines_only else TerminalDisplay()


def dim(text: str) -> str:
    """Returns the text in a pale colour."""
    return f"\x1b[2m{text}\x1b[m"


def bar(part: int, whole: int) -> str:
    """Returns a bar like "████░░░░  27 of 54"."""
    full, empty = "█░" if sys.stdout.encoding.lower().startswith("utf") else "#-"
    length = BAR * part // whole
    return f"{full * length}{empty * (BAR - length)} {part:3} of {whole}"
