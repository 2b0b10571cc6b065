"""Starts the processes that are measured, and reads their CPU time and memory."""

import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psutil

from .placement import on
from .subject import ROOT

POLL_SECONDS = 0.01
T = TypeVar("T")


class MeasurementError(Exception):
    """A case did not run as it must, so its figures are not valid."""


class MeasuredProcesses:
    """Processes on one core. Their output goes to a file; errors quote its end."""

    def __init__(
        self,
        commands: Iterable[Sequence[str]],
        core: int,
        environ: Mapping[str, str],
        log: Path,
    ) -> None:
        self.log = log
        self.started_at = time.monotonic()
        with on(core), log.open("wb") as output:
            self.children = [
                psutil.Popen(
                    list(command),
                    env=dict(environ),
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                for command in commands
            ]

    def tree(self) -> list[psutil.Process]:
        """Returns all live processes, with their children."""
        found: list[psutil.Process] = []
        for child in self.children:
            with suppress(psutil.NoSuchProcess):
                found += [child, *child.children(recursive=True)]
        return found

    def cpu(self) -> float:
        """Returns the CPU seconds so far, including those of ended children."""
        return sum(sum(times) for times in self.each(lambda process: process.cpu_times()[:4]))

    def pss(self) -> list[float]:
        """Returns the memory of each process in MB (PSS: shared memory is divided)."""
        return sorted(self.each(lambda process: process.memory_full_info().pss / 1e6))

    def each(self, read: Callable[[psutil.Process], T]) -> list[T]:
        found: list[T] = []
        for process in self.tree():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                found.append(read(process))
        return found

    def wait_until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait for it. Raises MeasurementError after ``seconds``, or if a process ends."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise MeasurementError(f"{what}: not within {seconds:.0f} s; {self.output_tail()}")
            for child in self.children:
                if child.poll() is not None:
                    raise MeasurementError(
                        f"{what}: exit code {child.returncode}; {self.output_tail()}"
                    )
            time.sleep(POLL_SECONDS)

    def output_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-12:]
        return "its output ends with:\n" + "\n".join(lines)

    def stop(self) -> None:
        """Kill all processes."""
        tree = self.tree()
        for process in tree:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(tree, timeout=10)
