"""An app that has more files open than select() can count."""

import os
import resource

from buoy import Job

from .record import note

_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
files = [os.open("/dev/null", os.O_RDONLY) for _ in range(1100)]


class Tell(Job):
    """Runs, and says so."""

    def perform(self, word: str) -> None:
        note("ran", word)
