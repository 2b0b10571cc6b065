"""A job that is of no use when it comes too late."""

from buoy import Job

from .record import note


class Expiring(Job):
    """Wants to be started within moments, even of a busy machine."""

    expires = 4.0

    def perform(self, word: str) -> None:
        note("ran", word)
