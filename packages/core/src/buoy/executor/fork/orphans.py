"""Processes that jobs start, and that outlive them.

The nursery becomes the parent of all such orphans, and so finds them among its own children. It
kills those in the session of a job that has ended. Those in another session live on. It waits for
both when they end, so that no zombies are left.
"""

import os
import signal
from collections.abc import Container, Sized
from contextlib import suppress
from os import waitpid
from typing import Protocol

from ...process.system import adopt_orphans, signal_group
from .child_state import Child
from .process_table import ProcessTable


class Jobs(Container[int], Sized, Protocol):
    """The process ids of the jobs that run."""


class Orphans:
    """Finds and ends orphans; costs one small read a job while there are none."""

    def __init__(self, table: ProcessTable) -> None:
        adopt_orphans()
        self.table = table
        self.ended: list[Child] = []
        """Children that have ended since the last look, or that have left orphans."""
        self.ended_before: list[Child] = []
        """The children of the look before that: the kernel may not list all orphans while children
        die."""
        self.home = os.getsid(0)
        self.file = open_list_of_children()
        self.of_app = set(map(int, self.list_children().split()))
        """Processes that the app has started before there were jobs."""

    def clear(self, jobs: Jobs) -> None:
        """Look for orphans, and end them. To be called after each death of a child or an orphan."""
        listed = self.list_children()
        if listed.count(b" ") > len(jobs) or self.file < 0:
            self.clear_all([pid for pid in map(int, listed.split()) if pid not in jobs])
            return
        for child in self.ended:
            self.table.sessions[child.row] = 0
        self.ended_before, self.ended = self.ended, []

    def clear_all(self, orphans: list[int]) -> None:
        """End these orphans, and free the table rows of the children that have left none."""
        ended, recent = self.ended, {child.pid for child in (*self.ended, *self.ended_before)}
        left = {self.clear_one(pid, recent) for pid in orphans}
        if self.file < 0:
            for child in ended:
                signal_group(child.pid, signal.SIGKILL)
        for child in ended:
            if child.pid not in left:
                self.table.sessions[child.row] = 0
        self.ended_before = ended
        self.ended = [child for child in ended if child.pid in left]

    def clear_one(self, pid: int, ended: Container[int]) -> int:
        """Kill an orphan if its session is one of these, and reap it if it has died. Returns its
        session, or 0 when it is gone."""
        session = 0
        with suppress(OSError):  # the app may have waited for it
            session = os.getsid(pid)
            if session in ended:
                os.kill(pid, signal.SIGKILL)
            if session != self.home and pid not in self.of_app:
                waitpid(pid, os.WNOHANG)
        return session

    def list_children(self) -> bytes:
        """The process ids of all children of this thread, each with a blank behind it. Empty where
        the kernel does not list them."""
        listed = b""
        while self.file >= 0 and (more := os.pread(self.file, 1 << 16, len(listed))):
            listed += more
        return listed


def open_list_of_children() -> int:
    """Open the file in which Linux lists the children of this thread, orphans among them. Returns
    -1 where there is no such file."""
    try:
        return os.open(f"/proc/self/task/{os.getpid()}/children", os.O_RDONLY)
    except OSError:
        return -1
