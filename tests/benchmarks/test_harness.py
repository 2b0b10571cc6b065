"""The benchmarks still run: the measures of buoy in their smallest size, on a real Redis."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks import buoy_rows
from benchmarks.__main__ import NAMES, SYSTEMS
from benchmarks.measure import Case, Effort, Figures, Measure
from benchmarks.measures import MEASURES
from benchmarks.peers import PEERS
from benchmarks.placement import ONE_CORE, on
from benchmarks.processes import MeasuredProcesses, MeasurementError
from benchmarks.results import Results
from benchmarks.runner import run_cases
from benchmarks.sandbox import new_sandbox
from benchmarks.venvs import REQUIREMENTS
from tests.support.processes import WITHIN, wait_until

TINY = ["--rounds", "1", "--seconds", "0.002", "--scale", "0.001", "--no-peers"]
UNSHOWN = ("trips",)
"""Figures of a case that tables leave out."""


def bench(*words: str, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *words, "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_a_tiny_run_writes_its_results(tmp_path: Path) -> None:
    ended = bench("--quick", "--only", "bulk", *TINY, out=tmp_path)

    assert ended.returncode == 0, ended.stderr
    [table] = Results.load(tmp_path / "results.json").tables
    assert [(row.name, len(row.samples)) for row in table.rows] == [
        ("bare RPUSH", 1),
        ("buoy enqueue", 1),
        ("buoy enqueue, high priority", 1),
        ("buoy enqueue, low priority", 1),
        ("buoy enqueue, in a batch", 1),
    ]
    assert (tmp_path / "results.md").read_text().strip() == ended.stdout.strip()
    assert (tmp_path / "chart.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("drain", "bare loop, buoy's script"),
        ("drain", "buoy fork"),
        ("drain", "buoy inline, in a batch"),
        ("drain", "buoy inline, three priorities"),
        ("naps", "buoy async"),
        ("enqueue", "buoy enqueue"),
        ("enqueue", "buoy enqueue, high priority"),
        ("enqueue", "buoy enqueue, low priority"),
        ("enqueue", "buoy enqueue, in a batch"),
        ("latency", "bare blocking pop"),
        ("latency", "buoy thread, 7 of 8 slots busy"),
        ("delayed", "buoy thread: 20 over 1 s"),
        ("growth", "buoy inline, 1 000 queued"),
        ("start", "buoy --help"),
        ("memory", "buoy fork"),
        ("purchases", "buoy fork, 19 slots, a backlog"),
    ],
)
def test_a_case_can_be_run(name: str, row: str) -> None:
    figures = tiny(name, row).run()

    [measure] = [measure for measure in MEASURES if measure.name == name]
    assert figures[measure.columns[0].figure] > 0
    assert figures.keys() <= {*(column.figure for column in measure.columns), *UNSHOWN}


def tiny(name: str, row: str, seconds: float = 0.002) -> Case:
    """Returns a case of the smallest size."""
    [measure] = [measure for measure in MEASURES if measure.name == name]
    cases = measure.cases(Effort(seconds, scale=0.001), [], [ONE_CORE])
    return next(case for case in cases if case.row == row)


def test_an_unknown_name_for_only_is_refused_with_the_known_names(tmp_path: Path) -> None:
    ended = bench("--only", "drain,bull", out=tmp_path)

    assert ended.returncode == 2
    known = sorted({*NAMES, *SYSTEMS, *(peer.name for peer in PEERS if "," not in peer.name)})
    message = f"expected some of {', '.join(known)}; got bull"
    assert ended.stderr.splitlines()[-1] == f"Error: Invalid value for '--only': {message}"


def test_commands_of_the_harness_are_not_counted() -> None:
    # A harness that comes late counts some of the worker's looks at an empty queue, too.
    figures = min(fork_drains(), key=lambda each: each["trips"])

    # LPOP, HMGET, ZREM, HDEL, TIME, ZADD and the EVALSHA around them.
    assert 6 < figures["commands"] < 9
    assert 0.9 < figures["trips"] < 1.3


def fork_drains() -> Iterator[Figures]:
    """The figures of some runs: of one where that suffices."""
    for _ in range(5):
        figures = tiny("drain", "bare fork", seconds=0.3).run()
        yield figures
        if figures["trips"] < 1.2:
            return


def test_a_worker_that_does_not_run_its_jobs_raises_an_error() -> None:
    with new_sandbox(ONE_CORE, 3) as sandbox, sandbox.start_worker(buoy_rows.INLINE) as worker:
        sandbox.produce(buoy_rows.INLINE, "each", 2)
        sandbox.wait_for_jobs(worker, 2, WITHIN)

        with pytest.raises(
            MeasurementError, match=r"^3 of 3 jobs: not within 1 s; its output ends with:\n"
        ):
            sandbox.wait_for_jobs(worker, 3, 1.0)

        assert sandbox.board.done() == 2


def test_the_error_of_a_dead_worker_quotes_its_output(tmp_path: Path) -> None:
    failing = [sys.executable, "-c", "print('no such queue'); raise SystemExit(3)"]
    worker = MeasuredProcesses([failing], 0, os.environ, tmp_path / "log")

    with pytest.raises(
        MeasurementError, match=r"^jobs: exit code 3; its output ends with:\nno such queue$"
    ):
        worker.wait_until(lambda: False, WITHIN, "jobs")


def test_stopping_a_worker_leaves_none_of_its_processes_behind() -> None:
    with new_sandbox(ONE_CORE, 1) as sandbox, sandbox.start_worker(buoy_rows.FORK) as worker:
        sandbox.produce(buoy_rows.FORK, "each", 1, kind="hold")
        sandbox.wait_for_jobs(worker, 1, WITHIN)
        tree = worker.tree()

    assert len(tree) == 3  # the worker, its nursery, the job
    assert not any(process.is_running() for process in tree)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen here")
def test_processes_are_bound_to_their_core(tmp_path: Path) -> None:
    before = psutil.Process().cpu_affinity()
    wait = [sys.executable, "-c", "input()"]
    with on(1):
        within = psutil.Process().cpu_affinity()
        worker = MeasuredProcesses([wait], 0, os.environ, tmp_path / "log")

    assert [process.cpu_affinity() for process in worker.tree()] in ([[before[0]]], [])
    assert within == [before[1 % len(before)]]
    assert psutil.Process().cpu_affinity() == before
    worker.stop()


def test_a_failed_case_is_recorded_and_not_run_again() -> None:
    tries = []

    def broken() -> dict[str, float]:
        tries.append(1)
        raise MeasurementError("3 of 5 jobs")

    cases = [
        Case("broken", "peer", ONE_CORE, broken),
        Case("sound", "peer", ONE_CORE, lambda: {"a": 1}),
        Case("long", "peer", ONE_CORE, lambda: {"a": 2}, once=True),
    ]
    measure = MEASURES[0]
    alike = Measure("m", "", "", [type(measure.columns[0])("a", "a")], lambda *_: cases)

    [table] = run_cases([(alike, cases)], rounds=3)

    assert [len(row.samples) for row in table.rows] == [0, 3, 1]
    assert table.rows[0].errors == ["3 of 5 jobs"]
    assert len(tries) == 1


def test_each_peer_has_its_versions_pinned() -> None:
    for system in {peer.system for peer in PEERS if not peer.probe}:
        lines = (REQUIREMENTS / f"{system}.txt").read_text().splitlines()
        assert all("==" in line for line in lines)
        assert any(line.startswith(f"{system}==") for line in lines)


def test_a_run_that_is_stopped_leaves_no_process_behind(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "benchmarks", "--quick", "--only", "drain", "--rounds", "1"]
    words += ["--no-peers", "--seconds", "60", "--out", str(tmp_path)]
    run = psutil.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: len(run.children(recursive=True)) >= 2, what="a server and a producer")
    tree = run.children(recursive=True)

    run.terminate()

    assert run.wait(WITHIN) == 1
    [drain] = Results.load(tmp_path / "results.json").tables
    assert not any(row.samples for row in drain.rows)
    _, left = psutil.wait_procs(tree, timeout=WITHIN)
    assert left == []
