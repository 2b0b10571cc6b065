"""``buoy failed``."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

import click

from ..jobs.job import Job
from ..model.retry_answer import RetryAnswer
from ..operations.failed_set import Filter, count, find, newest_first
from ..operations.failed_set import remove as remove_failures
from ..operations.failed_set import retry as retry_failures
from ..operations.failures import summarize_all
from ..operations.views import JobView
from .bulk import bulk_command, filter_options, print_preview
from .group import ListGroup
from .job_facts import job_facts, print_facts
from .options import (
    args_option,
    class_option,
    confirm,
    empty_text,
    queue_option,
    tag_option,
    yes_option,
)
from .output import (
    count_option,
    format_job_count,
    format_time,
    json_option,
    print_first_rows,
    print_line,
    print_rows,
    report_unknown,
)
from .params import COUNT, INSTANT, QUEUE, TEXT, Pattern
from .progress import in_pages
from .retry_answers import count_retried, stay_reason
from .watch import watch_option

COLUMNS = (
    *("id", "class", "queue", "args", "tags"),
    *("error", "message", "cause", "attempt", "failed_at"),
)
KINDS = ("class", "error", "count", "first_at", "last_at", "message")
NONE = "no failed jobs"


@click.group(cls=ListGroup)
def failed() -> None:
    """Failed jobs: list, sum up, show, retry, remove."""


def make_filter(
    ids: Sequence[str] = (),
    name: str | None = None,
    queue: str | None = None,
    error: str | None = None,
    match: str | None = None,
    args: str | None = None,
    tag: str | None = None,
    since: float | None = None,
    until: float | None = None,
) -> Filter:
    return Filter(
        ids=frozenset(ids),
        name=name,
        queue=queue,
        error=error,
        match=match,
        args=args,
        tag=tag,
        since=since,
        until=until,
    )


filtered = filter_options(
    make_filter,
    class_option,
    queue_option(),
    click.option(
        "--error", type=TEXT, help="Jobs whose error, type or message, contains this text."
    ),
    click.option(
        "--match",
        type=Pattern(),
        metavar="REGEX",
        help="Jobs in whose error, as TYPE: MESSAGE, this regular expression is found.",
    ),
    args_option,
    tag_option,
    click.option("--since", type=INSTANT, help="Failed at or after: a time, or 2h for 2 h ago."),
    click.option("--until", type=INSTANT, help="Failed before: a time, or 2h for 2 h ago."),
)


@failed.command("list")
@filtered
@count_option
@json_option
@watch_option
def listing(wanted: Filter, count: int, as_json: bool) -> None:
    """List failed jobs of all queues, the newest failure first."""
    show_failures(wanted, count, as_json=as_json)


def show_failures(wanted: Filter, most: int, *, as_json: bool) -> None:
    """Print the failed jobs that match, at most ``most`` (0: all), and how many there are."""
    monitor = Job.app.monitor
    views = newest_first(monitor, wanted)
    rows = [failure_row(view) for view in islice(views, most or None)]
    total = len(rows)
    if most and total == most and not as_json:
        total = max(total, count(monitor, wanted))
    print_first_rows(
        rows, COLUMNS, most, as_json=as_json, empty=empty_text(wanted.queue, NONE), total=total
    )


@failed.command()
@filtered
@json_option
@watch_option
def summary(wanted: Filter, as_json: bool) -> None:
    """Count failed jobs by class and error, with the first and the last time.

    The message is that of the newest of them.
    """
    found = summarize_all(Job.app.monitor, wanted)
    rows = [
        {
            "class": each.name,
            **asdict(each),
            "first_at": format_time(each.first_at),
            "last_at": format_time(each.last_at),
        }
        for each in found
    ]
    print_rows(rows, KINDS, as_json=as_json, empty=empty_text(wanted.queue, NONE))
    if found and not as_json:
        total = sum(each.count for each in found)
        print_line(f"{total} failed {'job' if total == 1 else 'jobs'}", err=True)


@failed.command("show")
@click.argument("id", type=TEXT)
@json_option
def show_one(id: str, as_json: bool) -> None:
    """Show all facts of one failed job, with its traceback."""
    view = Job.app.find(id)
    if view is None or view.state != "failed":
        place = "it is unknown" if view is None else f"it is {view.state} in {view.queue}"
        hint = "" if view is None else "; see buoy jobs show"
        raise click.ClickException(f"{id}: expected a failed job, but {place}{hint}")
    print_facts(job_facts(view), as_json=as_json)


def matching(wanted: Filter, keep: int | None = None) -> list[JobView]:
    """Returns the failed jobs that match, the oldest first of each queue; without the ``keep``
    newest of all."""
    monitor = Job.app.monitor
    if keep is None:
        return list(find(monitor, wanted))
    return list(islice(newest_first(monitor, wanted), keep, None))


def are_found(wanted: Filter, views: Iterable[JobView]) -> bool:
    """Report which of the ids are not among the jobs that were found; returns whether all are."""
    return report_unknown(wanted.ids, [view.id for view in views], "a failed job that matches")


def dry_run(wanted: Filter, keep: int | None = None) -> bool:
    views = matching(wanted, keep)
    print_preview([failure_row(view) for view in views], COLUMNS, NONE)
    return keep is not None or are_found(wanted, views)


@failed.command()
@bulk_command(filtered, all_help="All failed jobs.", dry_run=dry_run)
@click.option("--to", type=QUEUE, help="Another queue, to which the jobs move.")
def retry(wanted: Filter, to: str | None) -> bool:
    """Move failed jobs to the tail of their queues, as first attempts.

    Each job moves in one step, so none is lost and none runs twice.
    """
    views = matching(wanted)
    answers: dict[str, RetryAnswer] = {}
    for page in in_pages("retried", views):
        answers |= retry_failures(Job.app.control, page, to)
    place = "" if to is None else f" in {to}"
    print_line(f"{count_retried(answers.values())}{place}")
    stayed = {id: each for id, each in answers.items() if not each.retried and each.kind != "gone"}
    for id, answer in stayed.items():
        print_line(f"{id} stays failed: {stay_reason(id, answer, to)}", err=True)
    return are_found(wanted, views) and not stayed


@failed.command()
@bulk_command(filtered, all_help="All failed jobs.", dry_run=dry_run, selecting=["keep"])
@click.option("--keep", type=COUNT, metavar="N", help="Keep the newest N; remove the others.")
@yes_option
def remove(wanted: Filter, keep: int | None, yes: bool) -> bool:
    """Remove failed jobs for ever. Asks, unless all are named by their ids."""
    views = matching(wanted, keep)
    named = wanted == Filter(ids=wanted.ids) and wanted.ids and keep is None
    if views and not named:
        which = "all failed jobs" if wanted == Filter() and not keep else "failed jobs"
        confirm(f"Remove {which} ({len(views)})?", yes=yes)
    removed = 0
    for page in in_pages("removed", views):
        removed += len(remove_failures(Job.app.control, page))
    print_line(f"{format_job_count(removed)} removed")
    return keep is not None or are_found(wanted, views)


def failure_row(view: JobView) -> dict[str, Any]:
    """Returns a failed job as a row of the table, and as an object of the JSON output."""
    return {
        "id": view.id,
        "class": view.name,
        "queue": view.queue,
        "args": view.shown_args,
        "tags": list(view.tags),
        **{name: view.failure.get(name) for name in ("error", "message", "cause")},
        "attempt": view.attempt,
        "worker": view.failure.get("worker"),
        "failed_at": format_time(view.at),
    }
