"""Whether the worker that runs jobs in this process is stopping: what long jobs ask."""

from typing import Any


class StopFlag:
    """One byte: 1 from the moment when the worker begins to stop. Jobs that run in processes of
    their own share it with the process that has forked them."""

    def __init__(self) -> None:
        self.memory: Any = bytearray(1)
        self.place = 0

    def share(self, memory: Any, place: int) -> None:
        """Keep the flag in this memory from now on, which later forks share."""
        self.memory, self.place = memory, place

    def set(self, stopping: bool) -> None:
        """A signal handler may call this while anything else runs."""
        self.memory[self.place] = stopping


stop_flag = StopFlag()


def is_stopping() -> bool:
    """Returns whether the worker that runs jobs in this process has begun to stop: it was told to,
    or it has reached a limit and is replaced. A job that can go on elsewhere then ends soon. Costs
    no system call. False where no worker runs."""
    return bool(stop_flag.memory[stop_flag.place])
