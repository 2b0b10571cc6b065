"""A job that runs for too long, beside those that are remembered."""

import time

from buoy import Job

from .remembered import End

__all__ = ["End", "Long"]


class Long(Job):
    timeout = 0.5

    def perform(self) -> None:
        time.sleep(60)
