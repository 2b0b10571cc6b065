"""How long it takes to begin: to import, to answer --help, to have done the first job."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from .. import ours
from ..measure import Case, Column, Effort, Figures, Measure, case
from ..placement import Placement, on
from ..stage import staged
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
    for subject in [*ours.EXECUTORS, *subjects]:
        play = partial(first_job, subject, placement)
        limit = PYTHON if subject.kind == "buoy" else ""
        yield case(subject, placement, play, limit, once=effort.brief)


def ended(placement: Placement, words: Sequence[str]) -> Figures:
    """How long a command takes from start to end."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with on(placement.work):
        started = time.monotonic()
        subprocess.run(words, cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)
        return {"ms": 1000 * (time.monotonic() - started)}


def first_job(subject: Subject, placement: Placement) -> Figures:
    """How long a worker takes from its start to the end of the first job, which waits already."""
    with staged(placement, 1) as stage:
        stage.produce(subject, "each", 1)
        with stage.working(subject, 1 if subject.one_at_a_time else None) as worker:
            stage.finish(worker, 1, 60)
            return {"ms": 1000 * (stage.board.ran[0] - worker.started_at)}


MEASURE = Measure(
    name="start",
    title="From start to the first job",
    text="ms from the start of a worker until it has done a job that waits already; and what "
    "importing and asking for help take, beside a Python that does nothing.",
    columns=(Column("ms", "ms"),),
    cases=cases,
    more_is_better=False,
    quick=True,
)
