"""Jobs with a timeout, of the same app as those of to_sentry.py."""

import time

from buoy import Job

from . import to_sentry  # noqa: F401 - it sets up the app


class Hang(Job):
    timeout = 2.0

    def perform(self, word: str) -> None:
        time.sleep(60)
