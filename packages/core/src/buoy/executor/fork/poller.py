"""Waits for files, and calls a reader for each that is readable."""

from collections.abc import Callable
from select import POLLIN, poll


class Poller:
    """Files and their readers. Not for several threads.

    It is no selector of the standard library, since gevent replaces those.
    """

    def __init__(self) -> None:
        self.poll = poll()
        self.readers: dict[int, Callable[[], object]] = {}

    def listen(self, file: int, reader: Callable[[], object]) -> None:
        """Call the reader whenever the file is readable."""
        self.poll.register(file, POLLIN)
        self.readers[file] = reader

    def ignore(self, file: int) -> None:
        """Listen to the file no longer; to be called before it is closed."""
        if self.readers.pop(file, None) is not None:
            self.poll.unregister(file)

    def wait(self, milliseconds: int | None) -> None:
        """Wait until a file is readable, and call the readers of those that are. With None, waits
        without a limit."""
        for file, _ in self.poll.poll(milliseconds):
            if file in self.readers:  # else the reader of another file has closed it
                self.readers[file]()
