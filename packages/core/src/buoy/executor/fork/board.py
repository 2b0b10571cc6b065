"""Memory that a worker, its nursery and the jobs' processes share: a place for each process."""

import mmap
import os
from typing import Self

PLACES = 4096


class Board:
    """Who has which place, and for whom of them a TERM is meant.

    It outlives each of those who write on it, so that any of them can tidy up behind another.
    """

    def __init__(self, file: int) -> None:
        self.file = file
        self.memory = mmap.mmap(file, 5 * PLACES)
        self.sessions = memoryview(self.memory)[PLACES:].cast("i")
        """The session of the process that has a place, which is its id, too; else 0."""

    @classmethod
    def new(cls) -> Self:
        """A board that can be shared by its file; where there are no such files, -1."""
        if not hasattr(os, "memfd_create"):
            return cls(-1)
        file = os.memfd_create("buoy-board")
        os.ftruncate(file, 5 * PLACES)
        return cls(file)

    def close(self) -> None:
        """Let go of the memory."""
        self.sessions.release()
        self.memory.close()
        if self.file >= 0:
            os.close(self.file)

    def taken(self) -> set[int]:
        """The sessions of all that have a place."""
        return set(self.sessions) - {0}
