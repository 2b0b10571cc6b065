"""The environment of one case: a new Redis and board, producers and workers on their cores."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from buoy.embedded.server import Server

from .board import Board
from .placement import Placement, on
from .processes import MeasuredProcesses, MeasurementError
from .subject import ROOT, Subject

HARNESS_COMMANDS = ("info", "ping", "flushall", "config|resetstat", "client|setinfo")
"""Commands of the harness, which are not counted."""


@dataclass(frozen=True)
class Usage:
    """What was used up to one moment."""

    done: int
    commands: float
    trips: float
    redis_cpu: float
    worker_cpu: float
    dataset: float

    def per_job(self, before: "Usage") -> dict[str, float]:
        """Returns what each job has cost since that moment."""
        jobs = max(1, self.done - before.done)
        return {
            "commands": (self.commands - before.commands) / jobs,
            "trips": (self.trips - before.trips) / jobs,
            "redis_cpu_ms": (self.redis_cpu - before.redis_cpu) / jobs * 1000,
            "worker_cpu_ms": (self.worker_cpu - before.worker_cpu) / jobs * 1000,
        }


class Sandbox:
    """Made by ``new_sandbox``."""

    def __init__(self, placement: Placement, server: Server, folder: Path, size: int) -> None:
        self.placement, self.server, self.folder = placement, server, folder
        self.path = str(folder / "board")
        self.board = Board.create(self.path, size)
        self.client: Any = redis.Redis.from_url(server.url)

    def produce(
        self,
        subject: Subject,
        way: str,
        count: int,
        *,
        kind: str = "mark",
        first: int = 0,
        seconds: float = 0.0,
        core: int | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> dict[str, float]:
        """Enqueue jobs by produce.py; returns what that prints."""
        words = [way, kind, str(first), str(count), str(seconds)]
        with on(self.placement.work if core is None else core):
            ended = subprocess.run(
                [*subject.command(subject.producer), *words],
                env=subject.environment(self.server.url, self.path) | dict(environ or {}),
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
        if ended.returncode:
            raise MeasurementError(f"{subject.name}: the producer failed:\n{ended.stderr[-2000:]}")
        took: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
        return took

    @contextmanager
    def start_worker(
        self,
        subject: Subject,
        slots: int | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Iterator[MeasuredProcesses]:
        """Start a worker, and kill it at the end of the block."""
        environment = subject.environment(self.server.url, self.path) | dict(environ or {})
        environment["BENCH_SLOTS"] = str(slots or subject.slots)
        log = self.folder / "worker.log"
        running = MeasuredProcesses(subject.workers(slots), self.placement.work, environment, log)
        try:
            yield running
        finally:
            running.stop()

    def wait_for_jobs(self, worker: MeasuredProcesses, count: int, within: float) -> None:
        """Wait until ``count`` jobs have run; raises MeasurementError after ``within`` seconds."""
        done = self.board.done
        worker.wait_until(lambda: done() >= count, within, f"{count} of {self.board.size} jobs")

    def usage(self, worker: MeasuredProcesses | None = None) -> Usage:
        """Returns what was used until now."""
        facts = self.client.info("all")
        calls = {name: line["calls"] for name, line in facts.items() if name[:8] == "cmdstat_"}
        harness_calls = sum(calls.get(f"cmdstat_{name}", 0) for name in HARNESS_COMMANDS)
        return Usage(
            done=self.board.done(),
            commands=sum(calls.values()) - harness_calls,
            trips=facts["total_reads_processed"] - harness_calls,
            redis_cpu=facts["used_cpu_user"] + facts["used_cpu_sys"],
            worker_cpu=worker.cpu() if worker else 0.0,
            dataset=facts["used_memory_dataset"],
        )


@contextmanager
def new_sandbox(placement: Placement, size: int) -> Iterator[Sandbox]:
    """Gives a sandbox for so many jobs, and removes it at the end."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=memory))
    try:
        with on(placement.redis):
            server = Server(port=True)
            server.start()
        try:
            with on(placement.watch):
                yield Sandbox(placement, server, folder, size)
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
