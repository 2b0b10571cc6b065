"""Jobs that leave a process behind."""

import shlex
import subprocess

from buoy import Job

from .record import RECORD, note


class Orphan(Job):
    """Ends before the process that it has started, which waits for a gate."""

    def perform(self, gate: str) -> None:
        waits = f"until test -e '{RECORD.parent / gate}'; do sleep 0.05; done"
        command = f"setsid sh -c {shlex.quote(waits)} >/dev/null 2>&1 &"
        subprocess.run(["sh", "-c", command], check=True)
        note("ran", "orphan")
