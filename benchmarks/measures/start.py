"""How long a start takes: to import, to answer --help, to run the first job."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from .. import buoy_rows
from ..measure import Case, Column, Effort, Figures, Measure, case
from ..placement import Placement, on
from ..sandbox import new_sandbox
from ..subject import ROOT, Kind, Subject

PYTHON = "python -c pass"
BUOY = str(Path(sys.executable).parent / "buoy")


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    placement = placements[-1]

    def command(row: str, *words: str, limit: str = PYTHON) -> Case:
        kind: Kind = "buoy" if limit else "limit"
        return Case(
            row, kind, placement, partial(ended, placement, words), limit=limit, compared=False
        )

    yield command(PYTHON, sys.executable, "-c", "pass", limit="")
    yield command("python -c 'import redis'", sys.executable, "-c", "import redis", limit="")
    yield command("python -c 'import buoy'", sys.executable, "-c", "import buoy")
    yield command("buoy --help", BUOY, "--help")
    for subject in [*buoy_rows.EXECUTORS, *subjects]:
        run = partial(first_job, subject, placement)
        limit = PYTHON if subject.kind == "buoy" else ""
        yield case(subject, placement, run, limit, once=effort.brief)


def ended(placement: Placement, words: Sequence[str]) -> Figures:
    """Returns how long a command takes."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with on(placement.work):
        started = time.monotonic()
        subprocess.run(words, cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)
        return {"ms": 1000 * (time.monotonic() - started)}


def first_job(subject: Subject, placement: Placement) -> Figures:
    """Returns how long a worker takes from its start to the end of a queued job."""
    with new_sandbox(placement, 1) as sandbox:
        sandbox.produce(subject, "each", 1)
        with sandbox.start_worker(subject, 1 if subject.one_at_a_time else None) as worker:
            sandbox.wait_for_jobs(worker, 1, 60)
            return {"ms": 1000 * (sandbox.board.ran[0] - worker.started_at)}


MEASURE = Measure(
    name="start",
    title="From start to the first job",
    text="ms from the start of a worker until it has done a job that was queued before; and how "
    "long an import and the help text take, compared with a Python that does nothing.",
    columns=(Column("ms", "ms"),),
    cases=cases,
    more_is_better=False,
    quick=True,
)
