"""Workers as real processes, and what their jobs put on record."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple, TypeVar
from uuid import uuid4

from buoy import App
from buoy.embedded.server import Server
from buoy.errors import Unavailable
from buoy.operations.views import QueueView

MARK = "BUOY_TEST_MARK"
RECORD = "BUOY_TEST_RECORD"
ROOT = Path(__file__).parents[2]
APPS = "tests.system.apps"
EXECUTORS = ["fork", "inline", "thread", "async"]
WITHIN = 120.0
"""Seconds within which a condition comes true: far more than it takes on the busiest machine. It
costs nothing when things go well."""

T = TypeVar("T")


def wait_until(condition: Callable[[], T], within: float = WITHIN, *, what: object = "") -> T:
    """Wait for a condition and return its value; fail when it does not come true in time."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {within:g} s: {called(what)}"
        time.sleep(0.01)
    return value


async def await_until(condition: Callable[[], object]) -> None:
    """Wait for a condition in an event loop, whose clock may be a test's own."""
    deadline = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < deadline, f"not within {WITHIN:g} s"
        await asyncio.sleep(0.01)


def in_some_round(going_well: Callable[[], bool], *, what: object = "") -> None:
    """Fail unless one of some rounds goes well: a busy machine may be slow for minutes."""
    wait_until(going_well, 3 * WITHIN, what=what)


def holds_for(seconds: float, condition: Callable[[], object], *, what: object = "") -> None:
    """Fail unless a condition stays true for so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), called(what)
        time.sleep(0.01)


def called(what: object) -> object:
    return what() if callable(what) else what


class Note(NamedTuple):
    """What a job put on record: what happened, where, when (by the monotonic clock of all)."""

    event: str
    word: str
    pid: int
    at: float


class WorkerProcess:
    """A `buoy worker` that runs, or has run."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process, self._log = process, log

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        """What it and its children have written."""
        return self._log.read_text(errors="replace")

    @property
    def nursery(self) -> int:
        """The process that forks for it."""
        return wait_until(lambda: children_of(self.pid), what="a nursery")[0]

    @property
    def cpu_seconds(self) -> float:
        """What the worker and its nursery have cost so far."""
        ticks = 0
        for pid in (self.pid, *children_of(self.pid)):
            fields = stat_of(pid)
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, within: float = WITHIN) -> int:
        """Wait for its end; returns the exit code."""
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the worker runs on after {within:g} s:\n{self.log}") from None

    def wait_for_log(self, text: str, within: float = WITHIN) -> None:
        wait_until(lambda: text in self.log, within, what=lambda: f"{text!r} in:\n{self.log}")

    def stop(self) -> None:
        """Tell it to end, and see that it does so in peace."""
        self.signal(signal.SIGTERM)
        assert self.wait() == 0, self.log

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Site:
    """A server, an app on it, its workers, and the record that their jobs write."""

    def __init__(self, server: Server, folder: Path, lease: float = 1.0) -> None:
        self.server, self.folder, self.lease = server, folder, lease
        self.app = App(server.url, lease=lease)
        self.mark = uuid4().hex
        self.record = folder / "record"
        self.record.touch()
        self.known: list[Note] = []
        self.read_to = 0
        """How much of the record has been read."""
        self.workers: list[WorkerProcess] = []
        self.environ: dict[str, str] = {}
        """What workers find in their environment, on top of the usual."""
        self.cwd = ROOT
        """The current directory of processes."""

    # Processes

    def worker(
        self, *options: str, queues: str = "default", app: str = "jobs", url: str = ""
    ) -> WorkerProcess:
        """Start a worker; it takes a moment until it serves."""
        command = ["worker", "-a", f"{APPS}.{app}", "-q", queues, *options]
        log = self.folder / f"worker-{len(self.workers)}.log"
        with log.open("wb") as file:
            process = self.start(command, file, url)
        self.workers.append(WorkerProcess(process, log))
        return self.workers[-1]

    def start(
        self, command: list[str], output: IO[bytes] | int, url: str = ""
    ) -> subprocess.Popen[bytes]:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("BUOY_")}
        environ |= {"BUOY_URL": url or self.server.url, "BUOY_LEASE": str(self.lease)}
        environ |= {MARK: self.mark, RECORD: str(self.record), **self.environ}
        return subprocess.Popen(
            [sys.executable, "-m", "buoy", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environ,
            cwd=self.cwd,
            # A group of its own, as a shell makes one for each command.
            process_group=0,
        )

    def run(self, *command: str, within: float = WITHIN) -> tuple[int, str]:
        """Run a command of buoy to its end; returns exit code and output."""
        process = self.start(list(command), subprocess.PIPE)
        output, _ = process.communicate(timeout=within)
        return process.returncode, output.decode()

    def burst(self, *options: str, queues: str = "default", app: str = "jobs") -> WorkerProcess:
        """Run a worker until nothing is left to do."""
        worker = self.worker("--burst", *options, queues=queues, app=app)
        assert worker.wait() == 0, worker.log
        return worker

    def processes(self) -> list[int]:
        """All processes that live of those started here, and their descendants."""
        return [pid for pid in pids() if self.mark.encode() in environ_of(pid)]

    def close(self) -> None:
        """End all workers; fail if any process is left behind."""
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.kill()
        try:
            wait_until(lambda: not self.processes(), what=self.describe)
        finally:
            for pid in self.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def describe(self) -> str:
        left = [f"{pid} {stat_of(pid)[0]} {command_of(pid)}" for pid in self.processes()]
        return "no process left behind, got " + "; ".join(left)

    # Jobs

    def open(self, gate: str) -> None:
        """Let the jobs go on that wait for this gate."""
        (self.folder / gate).touch()

    @property
    def notes(self) -> list[Note]:
        """What jobs have noted, in order. Each line is read once: tests look very often."""
        with self.record.open("rb") as file:
            file.seek(self.read_to)
            whole, newline, _ = file.read().rpartition(b"\n")  # the last may be half written
        self.read_to += len(whole + newline)
        self.known += [Note(*json.loads(line)) for line in whole.splitlines()]
        return self.known.copy()

    def forget_notes(self) -> None:
        """Look only at what jobs note from now on."""
        self.record.write_text("")
        self.known, self.read_to = [], 0

    def words(self, event: str = "ran") -> list[str]:
        """The words that jobs have noted for this event."""
        return [note.word for note in self.notes if note.event == event]

    def note(self, event: str, word: str = "", within: float = WITHIN) -> Note:
        """Wait for the first note of this event, with this word if one is given."""

        def found() -> list[Note]:
            return [n for n in self.notes if n.event == event and word in ("", n.word)]

        def what() -> str:
            return f"{event} {word}: {self.notes}\n{self.logs()}"

        return wait_until(found, within, what=what)[0]

    def settled(self, queue: str = "default", within: float = WITHIN) -> None:
        """Wait until no job waits, is delayed, or runs."""

        def what() -> str:
            return f"a settled queue: {self.view(queue)}\n{self.logs()}"

        wait_until(lambda: self.idle(queue), within, what=what)

    def idle(self, queue: str = "default") -> bool:
        """Whether no job waits, is delayed, or runs."""
        view = self.view(queue)
        return not (view.queued or view.delayed or view.running)

    def view(self, queue: str = "default") -> QueueView:
        """The queue in numbers."""
        with suppress(Unavailable):  # the server was restarted since
            return self.app.monitor.queues([queue])[0]
        return self.app.monitor.queues([queue])[0]

    def states(self) -> list[str]:
        """The states of the workers that are listed."""
        return [view.state for view in self.app.monitor.workers()]

    def failure(self, queue: str = "default") -> dict[str, object]:
        """The record of the one job that has failed."""
        [view] = self.app.monitor.failed([queue])
        return view.failure

    def logs(self) -> str:
        return "\n".join(f"-- {worker.pid}\n{worker.log}" for worker in self.workers)


def pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def stat_of(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return ["gone", "0", *["0"] * 20]


def environ_of(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes()
    return b""


def command_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def children_of(pid: int) -> list[int]:
    return [child for child in pids() if stat_of(child)[1] == str(pid)]


def alive(pid: int) -> bool:
    """Whether a process runs: one that has died and was not yet buried does not."""
    return stat_of(pid)[0] not in ("gone", "Z")
