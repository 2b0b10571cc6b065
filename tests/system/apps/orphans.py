"""Jobs that leave a process behind."""

import subprocess

from buoy import Job

from .record import note


class Orphan(Job):
    """Ends before the process that it has started."""

    def perform(self, seconds: float) -> None:
        sleeper = subprocess.Popen(["sleep", str(seconds)], start_new_session=True)
        sleeper.returncode = 0  # nobody waits for it
        note("ran", "orphan")
