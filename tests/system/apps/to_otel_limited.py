"""Jobs with a timeout, of the same app as those of to_otel.py."""

import time

from buoy import Job

from . import to_otel  # noqa: F401 - it sets up the app


class Hang(Job):
    timeout = 2.0

    def perform(self, word: str) -> None:
        time.sleep(60)
