"""How the demo shows what happens: plain lines, or on a terminal a display that stays in place."""

import io
import os
import shutil
import sys
from collections import deque
from collections.abc import Sequence

TAIL = 6
BAR = 40


class Lines:
    """Plain lines, for files and pipes."""

    def say(self, text: str = "") -> None:
        """Show what is to stay."""
        print(text, flush=True)

    def tell(self, text: str) -> None:
        """Show what goes by."""
        self.say(text)

    def stand(self, status: Sequence[str]) -> None:
        """Show how things stand."""

    def close(self) -> None:
        """Leave only what is to stay."""


class Live(Lines):
    """The last lines of a terminal, written anew each time; what is said stays above them."""

    def __init__(self) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL)
        self.status: Sequence[str] = ()
        self.height = 0

    def say(self, text: str = "") -> None:
        self.draw(f"{text}\n")

    def tell(self, text: str) -> None:
        self.tail.append(text)

    def stand(self, status: Sequence[str]) -> None:
        self.status = status
        self.draw()

    def close(self) -> None:
        self.tail.clear()
        self.stand(())

    def draw(self, above: str = "") -> None:
        columns, lines = shutil.get_terminal_size()
        block = [line[: columns - 1] for line in self.status]
        block += [dim(line[: columns - 1]) for line in self.tail]
        block = block[: lines - 1]
        up = f"\x1b[{self.height}A" if self.height else ""
        self.height = len(block)
        below = "".join(f"{line}\n" for line in block)
        print(f"\r{up}\x1b[J{above}{below}", end="", flush=True)


def display() -> Lines:
    """The one that fits where standard output goes."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # customers have names that not all can write
    plain = os.environ.get("NO_COLOR") or os.environ.get("CI")
    dumb = os.environ.get("TERM", "dumb") == "dumb"
    return Lines() if plain or dumb or not sys.stdout.isatty() else Live()


def dim(text: str) -> str:
    """Text that stands back."""
    return f"\x1b[2m{text}\x1b[m"


def bar(part: int, whole: int) -> str:
    """How much of the whole there is."""
    full, empty = "█░" if sys.stdout.encoding.lower().startswith("utf") else "#-"
    length = BAR * part // whole
    return f"{full * length}{empty * (BAR - length)} {part:3} of {whole}"
