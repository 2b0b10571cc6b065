"""The page Batches of the dashboard, and the batches of a job on its own page. Only buoy-web
imports this file."""

from collections.abc import Sequence
from typing import Any

from buoy import App, ConfigurationError
from buoy.plugins.redis import GroupView, RedisSteps, read_groups
from buoy_web import Action, Card, Page, Visit

from .batch import Batch
from .members import batch_id
from .progress import Progress

SHOWN = 50
"""How many batches the page shows."""


def show(visit: Visit) -> dict[str, Any]:
    queue = visit.get("queue").strip()
    queues, views = visit.app.run_steps(read_batches(visit.app, queue))
    return {
        "queue": queue,
        "queues": queues,
        "batches": [row(view) for view in views[:SHOWN]],
        "more": len(views) > SHOWN,
    }


def read_batches(app: App, queue: str) -> RedisSteps[tuple[list[str], Sequence[GroupView]]]:
    """Returns the names of all queues, and the newest batches that live in one of them, or in any;
    takes three round trips."""
    queues = yield from app.monitor.read_queue_names()
    homes = [queue] if queue else queues
    return queues, (yield from read_groups(app, homes, most=SHOWN + 1))


def row(view: GroupView) -> dict[str, Any]:
    progress = Progress.of(view)
    return {
        "id": batch_id(view.key),
        "queue": view.key.home,
        "state": progress.state,
        "description": progress.description,
        "total": progress.total,
        "pending": progress.pending,
        "done": progress.done,
        "failed": progress.failed,
        "others": progress.others,
        "opened": progress.opened or None,
        "completed": progress.completed or None,
    }


def cancel(visit: Visit) -> str:
    batch = known(visit)
    batch.cancel()
    return f"{batch.id} is cancelled."


def repair(visit: Visit) -> str:
    """Count members as lost that are in no queue."""
    batch = known(visit)
    lost = batch.repair()
    members = "1 member counts" if lost == 1 else f"{lost} members count"
    return f"{batch.id}: {members} as lost."


def known(visit: Visit) -> Batch:
    """Returns the batch that the form names; raises ConfigurationError if there is none."""
    batch = Batch.by_id(visit.get("batch"), app=visit.app)
    if batch.progress() is None:
        raise ConfigurationError(f"batch: expected one of this page, got {batch.id!r:.80}")
    return batch


PARTS: list[Page | Action | Card] = [
    Page("batches", show, "buoy_batch/batches.html", "Batches", 36),
    Action("batches/cancel", cancel),
    Action("batches/repair", repair),
    Card("batch", "Batches", "buoy_batch/card.html", order=32),
]
