"""``buoy batch``."""

from typing import Any

import click

from buoy import ConfigurationError, Job
from buoy.plugins.commands import (
    TEXT,
    ListGroup,
    confirm,
    count_option,
    empty_text,
    exit_unless,
    format_job_count,
    format_time,
    json_option,
    print_facts,
    print_first_rows,
    print_line,
    queue_option,
    report_unknown,
    watch_option,
    yes_option,
)
from buoy.plugins.redis import GroupView, RedisSteps, queue_names, read_groups

from .batch import Batch
from .members import batch_id
from .progress import Progress

COLUMNS = ("batch", "state", "total", "pending", "done", "failed", "others", "description")
NONE = "there is no batch"
WANTED = "the id of a batch that buoy batch list shows"

id_argument = click.argument("batch", type=TEXT)


@click.group(cls=ListGroup)
def batch() -> None:
    """Batches: how far each is; cancel or repair one."""


@batch.command("list")
@queue_option("Batches that live in this queue.")
@count_option
@json_option
@watch_option
def listing(queue: str | None, count: int, as_json: bool) -> None:
    """Batches, the newest first; complete ones for a week.

    Column "others": members that have expired, were cancelled, or are lost.
    """
    views = Job.app.run_steps(batches_in(queue))
    rows = map(row, views)
    print_first_rows(rows, COLUMNS, count, as_json=as_json, empty=empty_text(queue, NONE))


def batches_in(queue: str | None) -> RedisSteps[list[GroupView]]:
    """Returns the batches that live in a queue, or in any."""
    queues = (yield from queue_names(Job.app)) if queue is None else [queue]
    return (yield from read_groups(Job.app, queues))


def row(view: GroupView) -> dict[str, Any]:
    progress = Progress.of(view)
    return {
        "batch": batch_id(view.key),
        "state": progress.state,
        "total": progress.total,
        "pending": progress.pending,
        "done": progress.done,
        "failed": progress.failed,
        "others": progress.others,
        "description": progress.description,
    }


@batch.command()
@id_argument
@json_option
def show(batch: str, as_json: bool) -> None:
    """All that is known of one batch."""
    progress = progress_of(batch)
    times = {
        name: format_time(getattr(progress, name) or None)
        for name in ("opened", "completed", "succeeded")
    }
    print_facts({"batch": batch, **vars(progress), **times}, as_json=as_json)


def progress_of(id: str) -> Progress:
    """Returns how far a batch is; ends the command if it is not known."""
    try:
        progress = Batch.by_id(id).progress()
    except ConfigurationError:
        progress = None
    exit_unless(report_unknown([id], {id} if progress else set(), WANTED))
    assert progress is not None
    return progress


@batch.command()
@id_argument
@yes_option
def cancel(batch: str, yes: bool) -> None:
    """Cancel all members of a batch that have not ended.

    Also those of batches in it. The batch takes no more members; on_success
    never follows.
    """
    pending = progress_of(batch).pending
    confirm(f"Cancel {format_job_count(pending)} of {batch}?", yes=yes)
    Batch.by_id(batch).cancel()
    print_line(f"{batch}: cancelled")


@batch.command()
@id_argument
def repair(batch: str) -> None:
    """Count members as lost that are in no queue.

    A program notes members before it enqueues them. If it dies between, they
    never come. Members count as lost that were noted ten minutes ago or longer.
    Workers count them by themselves after an hour.
    """
    progress_of(batch)
    found = Batch.by_id(batch).repair()
    print_line(f"{batch}: {found} lost")
