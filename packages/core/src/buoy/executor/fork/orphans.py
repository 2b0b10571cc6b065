"""What jobs leave behind: processes that they have started, and that outlive them.

As the parent of all orphans the nursery finds them among its own children. Those in the session of
a job that has ended are killed; those in a session of their own live on. All are buried here.
"""

import os
import signal
from collections.abc import Container, Sized
from contextlib import suppress
from os import waitpid
from typing import Protocol

from ...process.system import adopt_orphans, kill_tree
from .board import Board
from .child_state import Child


class Jobs(Container[int], Sized, Protocol):
    """The processes of the jobs that run."""


class Orphans:
    """Looks for them, at little cost while there are none."""

    def __init__(self, board: Board) -> None:
        adopt_orphans()
        self.board = board
        self.ended: list[Child] = []
        """Jobs whose process has ended since it was looked last, or that have left something."""
        self.before: list[Child] = []
        """The same, one look ago: while children die, the kernel may not list all of them."""
        self.home = os.getsid(0)
        self.file = file_of_children()
        self.apps = set(map(int, self.listed().split()))
        """What the app has started before there were jobs."""

    def clear(self, jobs: Jobs) -> None:
        """Look again: called after each death, that of a stray, too."""
        listed = self.listed()
        if listed.count(b" ") > len(jobs) or self.file < 0:
            self.clear_all([pid for pid in map(int, listed.split()) if pid not in jobs])
            return
        for child in self.ended:
            self.board.sessions[child.number] = 0
        self.before, self.ended = self.ended, []

    def clear_all(self, strays: list[int]) -> None:
        ended, recent = self.ended, {child.pid for child in (*self.ended, *self.before)}
        left = {self.clear_one(pid, recent) for pid in strays}
        if self.file < 0:
            for child in ended:
                kill_tree(child.pid, signal.SIGKILL)
        for child in ended:
            if child.pid not in left:
                self.board.sessions[child.number] = 0
        self.before = ended
        self.ended = [child for child in ended if child.pid in left]

    def clear_one(self, pid: int, ended: Container[int]) -> int:
        """Kill or bury a child that is no job; returns its session."""
        session = 0
        with suppress(OSError):  # others may bury, too
            session = os.getsid(pid)
            if session in ended:
                os.kill(pid, signal.SIGKILL)
            if session != self.home and pid not in self.apps:
                waitpid(pid, os.WNOHANG)
        return session

    def listed(self) -> bytes:
        """All children, as the kernel lists them: each with a blank behind it."""
        listed = b""
        while self.file >= 0 and (more := os.pread(self.file, 1 << 16, len(listed))):
            listed += more
        return listed


def file_of_children() -> int:
    """Where the kernel lists the children of this thread, orphans among them; -1 if it does not."""
    try:
        return os.open(f"/proc/self/task/{os.getpid()}/children", os.O_RDONLY)
    except OSError:
        return -1
