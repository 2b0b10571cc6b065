"""Jobs that recur."""

from buoy import Job
from buoy_scheduler import Cron

from .record import note


class Tick(Job):
    """Comes by a file, each second."""

    queue = "ticks"

    def perform(self) -> None:
        note("ran", "tick")


class Chime(Job):
    """Says itself when it comes."""

    queue = "chimes"
    plugins = [Cron("* * * * * *", args=["chime"])]

    def perform(self, word: str) -> None:
        note("ran", word)
