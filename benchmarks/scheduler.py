"""The scheduler: the time from its start to its first tick, lateness of ticks, cost while idle.

Run it alone: ``python -m benchmarks.scheduler``. It starts a private server and real daemons.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from buoy import App
from buoy.embedded.server import Server

ENTRIES = 1000
SECONDS = 15
STARTS = 5

APP = """
from buoy import Job

class Tick(Job):
    name = "Tick"
    queue = "ticks"

    def perform(self, entry: int) -> None: ...
"""


def schedule(entries: int, when: str) -> str:
    """A schedule file: JSON is YAML."""
    fields = {"class": "Tick", "every": when}
    return json.dumps({f"entry {n}": {**fields, "args": [n]} for n in range(entries)})


@contextmanager
def daemon(url: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = ["-m", "buoy", "scheduler", "-a", "ticking", "--schedule", "schedule.yml", "--quiet"]
    process = subprocess.Popen(
        [sys.executable, *command], cwd=folder, env={**os.environ, "BUOY_URL": url}
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def first_fire(app: App, url: str, folder: Path) -> float:
    """Returns the seconds from the start of a daemon until it fires a missed tick."""
    (folder / "schedule.yml").write_text(schedule(1, "1s"))
    app.command("FLUSHALL")
    long_ago = int(time.time()) - 3600
    app.command("HSET", app.key("ticks", "scheduler"), "entry 0", f"{long_ago} every 1 s from 0")
    started = time.monotonic()
    with daemon(url, folder):
        while not count(app):
            time.sleep(0.001)
        return time.monotonic() - started


def lateness(app: App, url: str, folder: Path) -> list[float]:
    """Returns by how many seconds each tick was late, sorted; all entries are due together."""
    (folder / "schedule.yml").write_text(schedule(ENTRIES, "1s"))
    app.command("FLUSHALL")
    with daemon(url, folder):
        while not count(app):
            time.sleep(0.01)
        time.sleep(2.0)
        return sorted(arrivals(app))


def arrivals(app: App) -> Iterator[float]:
    """Returns the seconds after a full second at which each job is in Redis, by polling."""
    known, end = count(app), time.time() // 1 + SECONDS + 0.9
    while (now := time.time()) < end:
        there = count(app)
        yield from [now % 1.0] * (there - known)
        known = there


def count(app: App) -> int:
    return int(app.command("HLEN", app.key("ticks", "jobs")))


def idle_cost(app: App, url: str, folder: Path) -> tuple[float, float]:
    """Returns the CPU use in percent of one core, and the scripts run a second."""
    (folder / "schedule.yml").write_text(schedule(ENTRIES, "520w"))
    app.command("FLUSHALL")
    with daemon(url, folder) as process:
        while not app.command("EXISTS", "buoy:scheduler"):
            time.sleep(0.01)
        time.sleep(1.0)
        before, asked = cpu_seconds(process.pid), commands(app)
        time.sleep(SECONDS)
        cost, sent = cpu_seconds(process.pid) - before, commands(app) - asked
    return 100 * cost / SECONDS, sent / SECONDS


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def commands(app: App) -> int:
    """Returns how many scripts were run."""
    for line in app.command("INFO", "commandstats").decode().splitlines():
        if line.startswith("cmdstat_evalsha:"):
            return int(line.partition("calls=")[2].partition(",")[0])
    return 0


def main() -> None:
    with Server() as server, tempfile.TemporaryDirectory() as name:
        folder, app = Path(name), App(server.url)
        (folder / "ticking.py").write_text(APP)
        starts = sorted(first_fire(app, server.url, folder) for _ in range(STARTS))
        late = lateness(app, server.url, folder)
        cpu, trips = idle_cost(app, server.url, folder)
    rows = [
        ("fresh daemon to its first fire, median", f"{starts[len(starts) // 2] * 1000:.0f} ms"),
        (f"lateness of ticks, {ENTRIES} entries each second, p50", f"{quantile(late, 0.5)}"),
        (f"lateness of ticks, {ENTRIES} entries each second, p99", f"{quantile(late, 0.99)}"),
        (f"idle, {ENTRIES} entries: processor", f"{cpu:.2f} %"),
        (f"idle, {ENTRIES} entries: round trips", f"{trips:.2f} a second"),
    ]
    for label, value in rows:
        print(f"{label:60} {value:>16}")
    print(f"ticks fired: {len(late)} of {ENTRIES * SECONDS} or so")


def quantile(values: list[float], share: float) -> str:
    return f"{values[int(len(values) * share)] * 1000:.0f} ms"


if __name__ == "__main__":
    main()
