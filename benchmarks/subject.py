"""What is measured: one system, with one way to run its worker."""

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
"""What becomes of a job whose worker is killed: run again, gone, or kept as failed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """One row of the tables.

    Commands name a program of the system's own environment first (``python``, ``celery``); in them
    ``{slots}`` stands for how many jobs run at once.
    """

    name: str
    kind: Kind = "peer"
    system: str
    """Whose environment it runs in: a file of ``requirements/``; "buoy" is this one."""
    app: str
    """The module that has ``enqueue``; see produce.py."""
    worker: str
    slots: int = 1
    """How many jobs run at once where nothing else is asked for."""
    one_at_a_time: bool = False
    """Many slots are many workers."""
    forks: bool = False
    """Each job has a process of its own: a class by itself."""
    promise: Promise
    compared: bool = True
    """Held against peers; a variation of a row is not, for the peers are not varied."""
    rate: float
    """How many empty jobs a second to expect, to size a run by; never shown."""
    environ: Mapping[str, str] = field(default_factory=dict)
    producer: str = "python -m benchmarks.produce {app}"
    bulk: bool = False
    """Whether one call enqueues many."""
    probe: str = ""
    """What Ruby must be able to run for it to be there; it prints the version."""

    def command(self, line: str, slots: int | None = None) -> list[str]:
        words = line.format(app=self.app, slots=slots or self.slots).split()
        return [self.program(words[0]), *words[1:]]

    def workers(self, slots: int | None = None) -> list[list[str]]:
        """What to start for so many slots."""
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
        """That of its processes."""
        mine = {"PYTHONPATH": str(ROOT), "BENCH_URL": url, "BENCH_BOARD": board}
        return {**os.environ, "BUOY_URL": url, **mine, **self.environ}


def named(subjects: Sequence[Subject], only: Sequence[str]) -> list[Subject]:
    """Those of these names or systems; all if none is named."""
    return [s for s in subjects if not only or s.name in only or s.system in only]
