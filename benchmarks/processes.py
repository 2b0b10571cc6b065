"""A process that is measured, with all that it starts."""

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


class Wrong(Exception):
    """A case did not come out as it must: its figures would be worth nothing."""


class Running:
    """Processes on one core. Their output goes to a file, which is quoted when they fail."""

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
        """All processes that live."""
        found: list[psutil.Process] = []
        for child in self.children:
            with suppress(psutil.NoSuchProcess):
                found += [child, *child.children(recursive=True)]
        return found

    def cpu(self) -> float:
        """CPU seconds so far, those of buried children too."""
        return sum(sum(times) for times in self.each(lambda process: process.cpu_times()[:4]))

    def pss(self) -> list[float]:
        """The memory of each process in MB; what several share is divided among them."""
        return sorted(self.each(lambda process: process.memory_full_info().pss / 1e6))

    def each(self, read: Callable[[psutil.Process], T]) -> list[T]:
        found: list[T] = []
        for process in self.tree():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                found.append(read(process))
        return found

    def wait_until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait, as long as all of them live."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise Wrong(f"{what}: not within {seconds:.0f} s; {self.last_words()}")
            for child in self.children:
                if child.poll() is not None:
                    raise Wrong(f"{what}: exit code {child.returncode}; {self.last_words()}")
            time.sleep(POLL_SECONDS)

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-12:]
        return "its output ends with:\n" + "\n".join(lines)

    def stop(self) -> None:
        """Kill them all: they have done their part."""
        tree = self.tree()
        for process in tree:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(tree, timeout=10)
