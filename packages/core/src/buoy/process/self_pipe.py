"""A pipe from a process to itself: how signals and other threads wake a thread that polls files."""

import os
import signal
from contextlib import suppress


class SelfPipe:
    """A file that is readable from the first ``notify`` until the next ``clear``.

    One thread waits for the file and clears it. Any thread may call ``notify``. Signals write into
    the pipe after ``wake_on_signals``.
    """

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        for end in (self.reader, self.writer):
            os.set_blocking(end, False)
        self.notified = False

    def fileno(self) -> int:
        """The file to wait for."""
        return self.reader

    def notify(self) -> None:
        """Make the file readable. Does nothing after ``close``."""
        if not self.notified:
            self.notified = True
            with suppress(BlockingIOError):  # signals have filled the pipe: it is readable
                os.write(self.writer, b"\0")

    def wake_on_signals(self) -> int:
        """Have each handled signal of this process make the file readable.

        Returns the file that was set before, for ``signal.set_wakeup_fd``. Main thread only.
        """
        return signal.set_wakeup_fd(self.writer, warn_on_full_buffer=False)

    def clear(self) -> None:
        """Make the file unreadable until the next ``notify`` or signal.

        The flag is reset after reading: a ``notify`` in between writes nothing, but whoever clears
        looks at all work after this. In the other order, the byte of a later ``notify`` could be
        read here while the flag stays set, and no ``notify`` would write again.
        """
        with suppress(BlockingIOError):
            os.read(self.reader, 4096)
        self.notified = False

    def close(self) -> None:
        """Close the pipe. Later calls of ``notify`` do nothing."""
        self.notified = True
        for end in (self.reader, self.writer):
            os.close(end)
