"""The last jobs of each entry, and what has become of them.

``buoy:{QUEUE}:scheduler:runs:NAME``, list: the last jobs of an entry, the newest first, each as its
tick (or when it was run by hand, epoch seconds) and its id. It is written in the same instant as
the job, and lives for RUNS_SECONDS after the last one.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from buoy import App, Job
from buoy.plugins import enqueue_then
from buoy.plugins.redis import JobView, RedisSteps, find_jobs

SHOWN = 5
RUNS_SECONDS = 90 * 86_400


@dataclass(frozen=True)
class EntryRun:
    """A job that an entry has enqueued.

    ``at``: its tick, or when it was run by hand (epoch seconds). ``state``: queued, delayed,
    running, failed, or "ended" if its queue has it no more: done, or removed by somebody.
    ``error``: of a failed one.
    """

    id: str
    queue: str
    at: int
    state: str
    error: str


def runs_key(app: App, queue: str, name: str) -> str:
    return app.key(queue, "scheduler", "runs", name)


def remember(job: Job, name: str, tick: int | None) -> None:
    """Let a job that is enqueued be among the last ones of its entry."""
    key = runs_key(job.app, job.queue, name)
    at = int(time.time() + job.app.clock_shift / 1000) if tick is None else tick
    enqueue_then(job, "LPUSH", key, f"{at} {job.id}")
    enqueue_then(job, "LTRIM", key, 0, SHOWN - 1)
    enqueue_then(job, "PEXPIRE", key, RUNS_SECONDS * 1000)


Runs = dict[str, list[EntryRun]]


def read_runs(app: App, entries: Sequence[tuple[str, str]]) -> RedisSteps[Runs]:
    """Returns the last jobs of entries, which are given by their names and queues; takes two round
    trips."""
    if not entries:
        return {}
    replies = yield [
        ["LRANGE", runs_key(app, queue, name), 0, SHOWN - 1] for name, queue in entries
    ]
    found = [
        (name, queue, *parsed)
        for (name, queue), reply in zip(entries, replies, strict=True)
        for parsed in parse_runs(reply)
    ]
    views = yield from find_jobs(app, [(queue, id) for _, queue, _, id in found])
    runs: Runs = {}
    for (name, queue, at, id), view in zip(found, views, strict=True):
        runs.setdefault(name, []).append(run_of(id, queue, at, view))
    return runs


def parse_runs(reply: Any) -> list[tuple[int, str]]:
    """Returns times and ids; nothing for what this package has not written."""
    found = []
    for line in reply if isinstance(reply, list) else ():
        at, _, id = line.decode(errors="replace").partition(" ")
        if at.isdecimal() and len(at) <= 10 and id:
            found.append((int(at), id))
    return found


def run_of(id: str, queue: str, at: int, view: JobView | None) -> EntryRun:
    if view is None:
        return EntryRun(id, queue, at, "ended", "")
    error = view.failure.get("error") if view.state == "failed" else ""
    return EntryRun(id, queue, at, view.state, error if isinstance(error, str) else "")
