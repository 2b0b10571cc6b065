"""``buoy retry``."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from buoy import Job
from buoy.plugins.commands import (
    TEXT,
    Duration,
    ListGroup,
    bulk_command,
    class_option,
    confirm,
    empty_text,
    filter_options,
    format_job_count,
    format_time,
    ids_argument,
    in_pages,
    json_option,
    print_line,
    print_preview,
    print_rows,
    queue_option,
    report_unknown,
    tag_option,
    watch_option,
    yes_option,
)
from buoy.plugins.redis import JobView

from .attempts import Attempt, history
from .retrying import RetryFilter, end_jobs, find_retrying, make_due

COLUMNS = ("id", "class", "queue", "args", "tags", "attempt", "due", "error", "message")
ATTEMPTS = ("attempt", "failed_at", "worker", "wait", "error", "message")
NONE = "no job is delayed for another attempt"
LONGEST_WAIT = 10**18
"""Seconds; a longer one, which another program has written, is shown as a number."""


@click.group(cls=ListGroup)
def retry() -> None:
    """Jobs that are delayed for another attempt: list, show, run now, cancel."""


def make_filter(
    ids: Sequence[str] = (),
    name: str | None = None,
    queue: str | None = None,
    error: str | None = None,
    tag: str | None = None,
) -> RetryFilter:
    return RetryFilter(frozenset(ids), name, queue, error, tag)


filtered = filter_options(
    make_filter,
    class_option,
    queue_option(),
    click.option(
        "--error", type=TEXT, help="Jobs whose last error, type or message, contains this text."
    ),
    tag_option,
)


@retry.command("list")
@ids_argument
@filtered
@json_option
@watch_option
def listing(wanted: RetryFilter, as_json: bool) -> None:
    """List the jobs that are delayed for another attempt, queue by queue, the next due first.

    The attempt is the number of the next one; the error is that of the last one.
    """
    print_rows(
        map(row, find_retrying(Job.app, wanted)),
        COLUMNS,
        as_json=as_json,
        empty=empty_text(wanted.queue, NONE),
    )


@retry.command("show")
@click.argument("id", type=TEXT)
@json_option
def show_one(id: str, as_json: bool) -> None:
    """List the failed attempts of a job, wherever it is, the oldest first."""
    view = Job.app.find(id)
    if view is None:
        raise click.ClickException(f"{id}: expected a job, but it is unknown")
    rows = [attempt_row(each) for each in history(view)]
    print_rows(rows, ATTEMPTS, as_json=as_json, empty=f"{id} has not failed yet")


def matching(wanted: RetryFilter) -> list[JobView]:
    return list(find_retrying(Job.app, wanted))


def are_found(wanted: RetryFilter, views: list[JobView]) -> bool:
    """Whether the jobs that were named are among those that were found; tells which are not."""
    ids = [view.id for view in views]
    return report_unknown(wanted.ids, ids, "a job that is delayed for another attempt and matches")


def dry_run(wanted: RetryFilter) -> bool:
    views = matching(wanted)
    print_preview([*map(row, views)], COLUMNS, NONE)
    return are_found(wanted, views)


bulk = bulk_command(filtered, all_help="All that are delayed for another attempt.", dry_run=dry_run)


@retry.command()
@bulk
def now(wanted: RetryFilter) -> bool:
    """Make jobs due now."""
    views = matching(wanted)
    due = sum(len(make_due(Job.app, page)) for page in in_pages("made due", views))
    print_line(f"{format_job_count(due)} made due")
    return are_found(wanted, views)


@retry.command()
@bulk
@yes_option
def cancel(wanted: RetryFilter, yes: bool) -> bool:
    """End jobs that are delayed for another attempt, but not those that run already. To end all
    of them, it asks."""
    views = matching(wanted)
    if wanted == RetryFilter() and views:
        confirm(f"End all jobs that are delayed for another attempt ({len(views)})?", yes=yes)
    ended = sum(len(end_jobs(Job.app, page)) for page in in_pages("ended", views))
    print_line(f"{format_job_count(ended)} ended")
    return are_found(wanted, views)


def row(view: JobView) -> dict[str, Any]:
    attempts = history(view)
    last = attempt_row(attempts[-1]) if attempts else {}
    return {
        "id": view.id,
        "class": view.name,
        "queue": view.queue,
        "args": view.shown_args,
        "tags": list(view.tags),
        "attempt": view.attempt,
        "due": format_time(view.at),
        **{name: last.get(name) for name in ("error", "message", "worker", "failed_at")},
    }


def attempt_row(attempt: Attempt) -> dict[str, Any]:
    fields = asdict(attempt)
    if attempt.wait is not None and abs(attempt.wait) < LONGEST_WAIT:
        fields["wait"] = Duration(attempt.wait)
    return {"failed_at": format_time(fields.pop("at")), **fields}
