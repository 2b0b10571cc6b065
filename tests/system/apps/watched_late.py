"""A job of the app ``watched`` with a timeout, which only some executors keep."""

import time

from buoy import Job

from .record import note


class Late(Job):
    """Does not end in time, whatever is raised in it."""

    timeout = 3.0  # a busy machine needs some of it to begin

    def perform(self, word: str) -> None:
        note("ran", word)
        while True:
            try:
                time.sleep(60)
            except Exception:  # noqa: BLE001 - as careless code has it
                note("shrugged", word)
