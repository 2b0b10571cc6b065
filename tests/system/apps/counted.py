"""Jobs that end in each way, and a witness to what became of each run."""

import json
import time
from dataclasses import dataclass

from buoy import Job, Later, Plugin, RunInfo, hookimpl

from .record import note, wait_for


@dataclass(frozen=True)
class Witness(Plugin):
    """Notes each run that has ended, right before its settlement; runs a first failure again."""

    @hookimpl
    def on_failure(self, job: Job) -> Later | None:
        return Later(0.05) if job.attempt == 1 and job.payload.args[1] == "again" else None

    @hookimpl
    def after_run(self, run: RunInfo) -> None:
        outcome = type(run.outcome).__name__
        begun = type(run.error).__name__ != "WorkerLost"
        note("ended", json.dumps([run.id, run.name, run.attempt, outcome, run.lost, begun]))


class Counted(Job):
    """Waits until the test opens the gate "go", and takes its time; then ends well, fails, or fails
    the first time."""

    plugins = [Witness()]

    def perform(self, seconds: float, how: str) -> None:
        wait_for("go")
        time.sleep(seconds)
        if how == "fails" or (how == "again" and self.attempt == 1):
            raise ValueError(how)


class CountedToo(Counted):
    """Another class."""
