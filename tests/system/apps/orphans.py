"""Jobs that leave a process behind."""

import subprocess

from buoy import Job

from .record import note


class Orphan(Job):
    """Ends before the process that it has started."""

    def perform(self, seconds: float) -> None:
        subprocess.run(["sh", "-c", f"setsid sleep {seconds} >/dev/null 2>&1 &"], check=True)
        note("ran", "orphan")
