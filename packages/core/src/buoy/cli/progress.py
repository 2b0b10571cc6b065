"""How far a long command is: a line on a terminal, which disappears at the end."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from .terminal import is_terminal

T = TypeVar("T")

PATIENCE = 0.5
"""Seconds until the line appears: a short command does not need it."""
PAUSE = 0.1
"""Seconds between two changes of the line."""
PAGE_SIZE = 500
"""The items of a page."""
CLEAR_LINE = "\r\x1b[K"


class Progress:
    """Counts what is done, and shows it on a terminal. ``total``: 0 if it is not known."""

    def __init__(self, word: str, total: int) -> None:
        self.word, self.total, self.done = word, total, 0
        # While a list is watched, both are the text that is shown at once.
        is_shown = is_terminal(sys.stderr) and sys.stderr is not sys.stdout
        self.next_at = time.monotonic() + PATIENCE if is_shown else float("inf")
        self.shown = False

    def add(self, count: int) -> None:
        """Count some more that are done."""
        self.done += count
        if (now := time.monotonic()) >= self.next_at:
            self.next_at, self.shown = now + PAUSE, True
            known = f" of {max(self.total, self.done)}" if self.total else ""
            sys.stderr.write(f"{CLEAR_LINE}{self.done}{known} {self.word} …")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self.shown:
            sys.stderr.write(CLEAR_LINE)
            sys.stderr.flush()


def in_pages(word: str, items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Returns items in pages. While a loop works on them, it shows how far it is, like "3000 of
    30000 retried"."""
    with progress(word, len(items)) as shown:
        for first in range(0, len(items), PAGE_SIZE):
            page = items[first : first + PAGE_SIZE]
            yield page
            shown.add(len(page))


@contextmanager
def progress(word: str, total: int = 0) -> Iterator[Progress]:
    """Show how far a block is, like "3000 of 30000 moved"; the block calls ``add``."""
    shown = Progress(word, total)
    try:
        yield shown
    finally:
        shown.clear()
