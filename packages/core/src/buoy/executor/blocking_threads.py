"""Threads for the jobs that would block an event loop."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from ..model.reservation import Reservation


class BlockingThreads:
    """Starts a thread when there are fewer threads than jobs to run; a thread lives until close."""

    def __init__(self, run: Callable[[Reservation], None]) -> None:
        self.run = run
        self.jobs: SimpleQueue[Reservation | None] = SimpleQueue()
        self.threads: list[threading.Thread] = []

    def submit(self, reservation: Reservation, jobs: int) -> None:
        """Run a job in a thread. ``jobs`` is how many jobs run or wait here, with this one.

        A job waits for one of the threads when the system refuses a further one. Raises
        RuntimeError when there is no thread at all.
        """
        if len(self.threads) < jobs:
            self.add_thread()
        self.jobs.put(reservation)

    def add_thread(self) -> None:
        thread = threading.Thread(target=self.work, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            if not self.threads:
                raise
        else:
            self.threads.append(thread)

    def work(self) -> None:
        """Run jobs until ``close``. Each of the threads does this."""
        while reservation := self.jobs.get():
            self.run(reservation)

    def close(self) -> None:
        """Tell the threads to end after the jobs that they run."""
        for _ in self.threads:
            self.jobs.put(None)
