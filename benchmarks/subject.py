"""A subject: one system, with one way to run its worker."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Literal

ROOT = Path(__file__).parents[1]
VENVS = Path(__file__).parent / ".venvs"

Kind = Literal["buoy", "peer", "limit"]
Promise = Literal["at least once", "at most once", "at most once, recorded", ""]
"""What happens to a job whose worker is killed: it is run again, lost, or kept as failed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """One row of the tables.

    Commands begin with a program of the system's environment (``python``, ``celery``). ``{slots}``
    is replaced by the number of jobs that run at once.
    """

    name: str
    kind: Kind = "peer"
    system: str
    """The environment in which it runs: a file of ``requirements/``; "buoy" is the current one."""
    app: str
    """The module that has ``enqueue``; see produce.py."""
    worker: str
    slots: int = 1
    """How many jobs run at once by default."""
    one_at_a_time: bool = False
    """Whether more slots need more workers."""
    forks: bool = False
    """Whether each job runs in a new process. Such systems are compared with each other."""
    promise: Promise
    compared: bool = True
    """Whether it is compared with other systems. Variations of a row are not."""
    rate: float
    """How many empty jobs a second to expect. Determines the size of a run; never shown."""
    environ: Mapping[str, str] = field(default_factory=dict)
    producer: str = "python -m benchmarks.produce {app}"
    bulk: bool = False
    """Whether one call enqueues many."""
    probe: str = ""
    """Ruby code that prints the version; the system is not installed if it fails."""

    def command(self, line: str, slots: int | None = None) -> list[str]:
        words = line.format(app=self.app, slots=slots or self.slots).split()
        return [self.program(words[0]), *words[1:]]

    def workers(self, slots: int | None = None) -> list[list[str]]:
        """Returns the commands to start for so many slots."""
        count = (slots or self.slots) if self.one_at_a_time else 1
        return [self.command(self.worker, slots)] * count

    def program(self, name: str) -> str:
        own = (self.folder / "bin" / name) if self.system != "buoy" else Path(sys.executable)
        if self.system == "buoy" and name != "python":
            own = own.parent / name
        return str(own) if own.exists() else (which(name) or name)

    @property
    def folder(self) -> Path:
        return VENVS / self.system

    def environment(self, url: str, board: str) -> dict[str, str]:
        """Returns the environment variables of its processes."""
        mine = {"PYTHONPATH": str(ROOT), "BENCH_URL": url, "BENCH_BOARD": board}
        return {**os.environ, "BUOY_URL": url, **mine, **self.environ}


def select_subjects(subjects: Sequence[Subject], only: Sequence[str]) -> list[Subject]:
    """Returns the subjects with these names or systems; all if ``only`` is empty."""
    return [s for s in subjects if not only or s.name in only or s.system in only]
