"""Several workers under one supervisor: it replaces, passes on, ends, and leaves none behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import datetime

import pytest

from tests.support.processes import (
    ROOT,
    Site,
    WorkerProcess,
    alive,
    children_of,
    holds_for,
    stat_of,
    wait_until,
)

from .apps.jobs import Note, Wait
from .apps.orphans import Orphan

STEADY = 10.0
"""Seconds of a lease that no worker loses to another one while the machine is busy."""


def supervised(site: Site, *options: str, count: int = 2) -> WorkerProcess:
    """A supervisor whose workers all serve."""
    supervisor = site.worker("--processes", str(count), *options)
    wait_until(lambda: len(site.app.monitor.workers()) == count, what=lambda: supervisor.log)
    return supervisor


def test_the_supervisor_runs_as_many_workers_as_it_is_told(site: Site, executor: str) -> None:
    site.lease = STEADY
    for n in range(4):
        Wait.enqueue(str(n), "gate")
    supervisor = supervised(site, "--executor", executor, "-c", "1", count=3)
    wait_until(lambda: len(site.words("began")) == 3)
    holds_for(0.2, lambda: len(site.words("began")) == 3)
    site.open("gate")
    site.settled()
    assert sorted(site.words()) == ["0", "1", "2", "3"]
    assert len(children_of(supervisor.pid)) == 3
    supervisor.stop()
    assert site.app.monitor.workers() == []


def test_a_worker_that_is_killed_is_replaced(site: Site) -> None:
    supervisor = supervised(site)
    before = children_of(supervisor.pid)
    os.kill(before[0], signal.SIGKILL)
    supervisor.wait_for_log("worker 1 died: signal 9 (SIGKILL)")
    wait_until(lambda: len(children_of(supervisor.pid)) == 2)
    after = children_of(supervisor.pid)
    assert before[1] in after
    assert before[0] not in after
    Wait.enqueue("a", "gate")
    Wait.enqueue("b", "gate")
    wait_until(lambda: len(site.words("began")) == 2)
    site.open("gate")
    supervisor.stop()


def test_a_worker_that_was_told_to_end_is_not_replaced(site: Site) -> None:
    supervisor = supervised(site)
    first, second = children_of(supervisor.pid)
    os.kill(first, signal.SIGTERM)
    wait_until(lambda: children_of(supervisor.pid) == [second])
    holds_for(0.3, lambda: children_of(supervisor.pid) == [second])
    os.kill(second, signal.SIGTERM)
    assert supervisor.wait() == 0, supervisor.log


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP])
def test_a_stop_is_passed_on_and_running_jobs_get_their_time(
    site: Site, stop: signal.Signals
) -> None:
    for word in ("a", "b", "next"):
        Wait.enqueue(word, "gate")
    supervisor = supervised(site)
    wait_until(lambda: len(site.words("began")) == 2)
    supervisor.signal(stop)
    wait_until(lambda: site.states() == ["stopping"] * 2)
    site.open("gate")
    assert supervisor.wait() == 0, supervisor.log
    assert sorted(site.words()) == ["a", "b"]
    assert site.view().queued == 1


@pytest.mark.parametrize("to", ["the group", "all processes"])
def test_a_stop_that_all_hear_costs_no_grace_time(site: Site, to: str) -> None:
    for word in ("a", "b"):
        Wait.enqueue(word, "gate")
    supervisor = supervised(site)
    wait_until(lambda: len(site.words("began")) == 2)
    if to == "the group":
        os.killpg(supervisor.pid, signal.SIGINT)
    else:
        for pid in site.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
    holds_for(0.5, lambda: supervisor.process.poll() is None)
    site.open("gate")
    assert supervisor.wait() == 0, supervisor.log
    assert sorted(site.words()) == ["a", "b"]


def test_a_second_term_puts_back_at_once(site: Site) -> None:
    Wait.enqueue("a", "gate")
    supervisor = supervised(site, "--grace", "600")
    site.note("began")
    supervisor.signal(signal.SIGTERM)
    wait_until(lambda: site.states() == ["stopping"])  # the idle one ends
    # What comes within a second is taken for a copy of what was heard.
    holds_for(1.2, lambda: supervisor.process.poll() is None)
    supervisor.signal(signal.SIGTERM)
    assert supervisor.wait() == 0
    assert site.view().queued == 1


def test_a_stop_while_workers_start_is_heard(site: Site) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        supervisor = site.worker("--processes", "3")
        wait_until(lambda: children_of(supervisor.pid))  # noqa: B023 - it is called here
        supervisor.signal(number)
        assert supervisor.wait() == 0, supervisor.log
        assert "died" not in supervisor.log


def test_usr1_kills_the_running_jobs_of_all(site: Site) -> None:
    for word in ("a", "b"):
        Wait.enqueue(word, "gate")
    supervisor = supervised(site)
    wait_until(lambda: len(site.words("began")) == 2)
    before = children_of(supervisor.pid)
    supervisor.signal(signal.SIGUSR1)
    wait_until(lambda: site.view().failed == 2)
    assert children_of(supervisor.pid) == before
    supervisor.stop()


def test_usr2_pauses_all_workers_and_those_that_start_later(site: Site) -> None:
    supervisor = supervised(site)
    supervisor.signal(signal.SIGUSR2)
    wait_until(lambda: site.states() == ["paused"] * 2)
    os.kill(children_of(supervisor.pid)[0], signal.SIGKILL)
    wait_until(lambda: sorted(site.states()) == ["gone", "paused", "paused"])
    Note.enqueue("later")
    holds_for(0.3, lambda: site.words() == [])
    supervisor.signal(signal.SIGCONT)
    site.note("ran", "later")
    supervisor.stop()


def test_a_burst_ends_when_all_have_ended(site: Site, executor: str) -> None:
    site.lease = STEADY
    Note.enqueue_many([(str(n),) for n in range(30)])
    site.burst("--processes", "2", "--executor", executor)
    assert sorted(site.words(), key=int) == [str(n) for n in range(30)]


@pytest.mark.parametrize(
    ("app", "options", "said"),
    [
        ("nowhere", ["-q", "mail"], "No module named 'tests.system.apps.nowhere'"),
        ("jobs", ["-q", "mail:x"], "-q: expected a weight of 1 or more behind mail:, got 'x'"),
        ("jobs", ["-q", "mail", "-c", "2", "--executor", "inline"], "-c: expected 1 slot"),
    ],
)
def test_what_is_wrong_from_the_start_is_said_once(
    site: Site, app: str, options: list[str], said: str
) -> None:
    supervisor = site.worker("--processes", "3", *options, app=app)
    assert supervisor.wait() == 1
    assert supervisor.log.count("Error: ") == supervisor.log.count(said) == 1, supervisor.log


def test_an_app_that_breaks_later_ends_nothing_and_is_tried_in_peace(site: Site) -> None:
    app = site.folder / "deployed.py"
    app.write_text("from tests.system.apps.jobs import *\n")
    site.environ["PYTHONPATH"] = str(site.folder)
    supervisor = supervised(site, "-a", "deployed")
    first, second = children_of(supervisor.pid)
    app.write_text("1 / 0\n")
    os.kill(first, signal.SIGKILL)
    supervisor.wait_for_log("worker 1 died: exit 1")
    app.write_text("from tests.system.apps.jobs import *\n# mended\n")
    wait_until(lambda: sorted(site.states()) == ["gone", "running", "running"])
    assert second in children_of(supervisor.pid)
    supervisor.stop()
    # How often it was tried depends on the machine; what the supervisor promises are the pauses,
    # unless it took a worker some seconds to fail.
    assert [pause for life, pause in tries(supervisor.log) if life < 4.5 and pause < 0.9] == []


def tries(log: str) -> list[tuple[float, float]]:
    """The seconds that each worker 1 lived which could not start, and those until the next one."""
    lines = re.findall(r"^(\S+ \S+) .* worker 1 (died: exit 1|started)", log, re.MULTILINE)
    at = [datetime.fromisoformat(moment).timestamp() for moment, _ in lines]
    return [
        (at[n] - at[n - 1], at[n + 1] - at[n])
        for n, (_, event) in enumerate(lines)
        if event != "started"
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="needs PR_SET_PDEATHSIG")
def test_workers_stop_in_order_when_the_supervisor_is_killed(site: Site, executor: str) -> None:
    for word in ("a", "b"):
        Wait.enqueue(word, "gate")
    supervisor = supervised(site, "--executor", executor, "-c", "1")
    wait_until(lambda: len(site.words("began")) == 2)
    workers = children_of(supervisor.pid)
    supervisor.kill()
    holds_for(0.3, lambda: all(map(alive, workers)))
    site.open("gate")
    wait_until(lambda: not any(map(alive, workers)))
    assert sorted(site.words()) == ["a", "b"]
    assert site.app.monitor.workers() == []
    wait_until(lambda: not site.processes())


@pytest.mark.parametrize("count", [1, 2])
def test_the_pidfile_names_the_process_to_signal(site: Site, count: int) -> None:
    pidfile = site.folder / "buoy.pid"
    process = supervised(site, "--pidfile", str(pidfile), count=count)
    assert pidfile.read_text() == f"{process.pid}\n"
    process.stop()
    assert not pidfile.exists()


@pytest.mark.parametrize("kind", ["inline", "thread"])
def test_the_pidfile_is_removed_when_a_job_outlives_the_grace_time(site: Site, kind: str) -> None:
    pidfile = site.folder / "buoy.pid"
    Wait.enqueue("long", "gate")
    process = site.worker("--executor", kind, "--grace", "0.2", "--pidfile", str(pidfile))
    site.note("began")
    process.stop()
    assert "grace time over" in process.log
    assert not pidfile.exists()


def test_the_pidfile_of_a_successor_is_not_removed(site: Site) -> None:
    pidfile = site.folder / "buoy.pid"
    process = site.worker("--pidfile", str(pidfile))
    process.wait_for_log("serves")
    successor = site.worker("--pidfile", str(pidfile))
    successor.wait_for_log("serves")

    process.stop()

    assert pidfile.read_text() == f"{successor.pid}\n"
    successor.stop()
    assert not pidfile.exists()


def test_a_pidfile_that_cannot_be_written_is_told(site: Site) -> None:
    process = site.worker("--processes", "2", "--pidfile", "/nowhere/buoy.pid")
    assert process.wait() == 1
    assert process.log == (
        "Error: --pidfile: expected a file that can be written, got /nowhere/buoy.pid: "
        "No such file or directory\n"
    )


@pytest.fixture
def first_process(site: Site) -> WorkerProcess:
    """A worker that is process 1, as in a container."""
    unshare = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], check=False).returncode:
        pytest.skip("needs the right to make a namespace of processes")
    log = site.folder / "first.log"
    environ = os.environ | {"BUOY_URL": site.server.url, "BUOY_LEASE": "1"}
    environ |= {"BUOY_TEST_MARK": site.mark, "BUOY_TEST_RECORD": str(site.record)}
    app = "tests.system.apps.jobs,tests.system.apps.orphans"
    command = [*unshare, sys.executable, "-m", "buoy", "worker", "-a", app, "-q", "default"]
    command += ["--executor", "inline"]  # under fork the orphans of jobs are buried where it forks
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=environ, cwd=ROOT)
    site.workers.append(WorkerProcess(process, log))
    return site.workers[-1]


def test_as_the_first_process_it_buries_orphans_and_obeys(
    site: Site, first_process: WorkerProcess
) -> None:
    [init] = wait_until(lambda: children_of(first_process.pid), what=lambda: first_process.log)
    first_process.wait_for_log(" serves default")
    [worker] = children_of(init)
    Orphan.enqueue("end of the orphan")
    site.note("ran", "orphan")
    wait_until(lambda: len(children_of(init)) == 2, what="the orphan")
    site.open("end of the orphan")
    wait_until(lambda: children_of(init) == [worker], what="its burial")
    Wait.enqueue("last", "gate")
    site.note("began", "last")
    os.kill(init, signal.SIGTERM)
    wait_until(lambda: site.states() == ["stopping"])
    assert stat_of(init)[0] != "gone"
    site.open("gate")
    assert first_process.wait() == 0, first_process.log
    assert site.words() == ["orphan", "last"]
