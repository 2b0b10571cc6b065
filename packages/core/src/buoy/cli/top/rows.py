"""The rows of ``buoy top``: what a snapshot becomes in its three tables."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...operations.views import JobView, QueueView, WorkerView
from ..cells import Duration, Size, format_time
from .reading import Rate, Rates, Snapshot

Subject = QueueView | WorkerView | JobView

QUEUES = ("queue", "queued", "latency", "delayed", "running", "failed", "in/s", "out/s", "state")
WORKERS = ("worker", "state", "busy", "class", "args", "for", "memory", "job")
FAILURES = ("failed_at", "class", "queue", "error", "message", "attempt", "id")


@dataclass(frozen=True, slots=True)
class TopRow:
    """A row of a table. ``key``: names it from one reading to the next. ``subject``: what keys act
    on; of a worker that runs a job, ``job`` is that job."""

    key: str
    cells: dict[str, Any]
    subject: Subject
    job: JobView | None = None


def queue_rows(snapshot: Snapshot, rates: Rates) -> list[TopRow]:
    return [TopRow(view.name, queue_cells(view, rates), view) for view in snapshot.queues]


def queue_cells(view: QueueView, rates: Rates) -> dict[str, Any]:
    rate = rates.of(view.name) or Rate(0, 0)
    return {
        "queue": view.name,
        "queued": view.queued,
        "latency": Duration(view.latency),
        "delayed": view.delayed,
        "running": view.running,
        "failed": view.failed,
        "in/s": readable_rate(rate.incoming),
        "out/s": readable_rate(rate.outgoing),
        "state": "paused" if view.paused else "active",
    }


def readable_rate(rate: float) -> str:
    """Returns jobs per second with as many digits as say something."""
    return f"{rate:.0f}" if rate >= 10 or not rate else f"{rate:.1f}" if rate >= 0.1 else "<0.1"


def worker_rows(snapshot: Snapshot) -> list[TopRow]:
    """Returns a row for each job that a worker runs, and one for each worker that runs none."""
    rows = []
    for view in snapshot.workers:
        jobs: Sequence[JobView | None] = snapshot.running.get(view.id, [])
        for job in jobs or [None]:
            key = view.id if job is None else f"{view.id} {job.queue} {job.id}"
            rows.append(TopRow(key, worker_cells(view, job), view, job))
    return rows


def worker_cells(view: WorkerView, job: JobView | None) -> dict[str, Any]:
    since = None if job is None else job.since
    return {
        "worker": view.id,
        "state": "gone" if view.gone else view.state,
        "busy": f"{view.busy}/{view.slots}",
        "class": job and (job.name or "(unreadable)"),
        "args": None if job is None else arguments(job),
        "for": None if since is None else Duration(max(0.0, time.time() - since)),
        "memory": Size(view.memory) if view.memory else None,
        "job": job and job.id,
    }


def arguments(job: JobView) -> Any:
    """Returns the arguments of a job: a list, and what is named as an object behind it."""
    return [*job.shown_args, *filter(None, [job.shown_kwargs])]


def failure_rows(snapshot: Snapshot) -> list[TopRow]:
    views = snapshot.failures
    return [TopRow(f"{view.queue} {view.id}", failure_cells(view), view) for view in views]


def failure_cells(view: JobView) -> dict[str, Any]:
    return {
        "failed_at": format_time(view.at),
        "class": view.name,
        "queue": view.queue,
        "error": view.failure.get("error"),
        "message": view.failure.get("message"),
        "attempt": view.attempt,
        "id": view.id,
    }
