"""A table of jobs' processes, in memory that a worker, its nursery and these processes share."""

import mmap
import os
from typing import Self

ROWS = 4096
"""How many processes the table can hold: row N of it belongs to child N modulo ROWS."""
STOPPING = 5 * ROWS
"""The place of the byte that tells all children that the worker stops."""
SIZE = STOPPING + 1
TERMINATED, TIMED_OUT = 1, 2
"""Why the nursery sends TERM to a process: the worker stops, or the job has run for too long."""


class ProcessTable:
    """One row for each process: a flag for TERM, and a session.

    The memory outlives the processes that write to it. So the worker can kill the processes that
    remain when its nursery has died, and the nursery those that remain when a child has died.
    """

    def __init__(self, file: int) -> None:
        self.file = file
        """The descriptor of the memory; -1 where only forked processes can share it."""
        self.memory = mmap.mmap(file, SIZE)
        """The first ROWS bytes are the flags: why the nursery sends TERM to the process; else 0."""
        self.sessions = memoryview(self.memory)[ROWS:STOPPING].cast("i")
        """The session that a process has made, which is also its id; 0 in a free row."""

    @classmethod
    def new(cls) -> Self:
        """An empty table, which other processes can open by its ``file``."""
        if not hasattr(os, "memfd_create"):
            return cls(-1)
        file = os.memfd_create("buoy-processes")
        os.ftruncate(file, SIZE)
        return cls(file)

    def close(self) -> None:
        """Release the memory in this process."""
        self.sessions.release()
        self.memory.close()
        if self.file >= 0:
            os.close(self.file)

    def used_sessions(self) -> set[int]:
        """The sessions of all rows in use."""
        return set(self.sessions) - {0}
