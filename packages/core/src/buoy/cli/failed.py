"""``buoy failed``."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from ..jobs.job import Job
from ..operations.failed_set import Filter, find, newest_first
from ..operations.failed_set import remove as remove_failures
from ..operations.failed_set import retry as retry_failures
from ..operations.views import JobView
from ..text.printable import indented, one_line
from .bulk import bulk_command, filter_options
from .options import class_option, confirm, empty_text, queue_option, yes_option
from .output import (
    count_option,
    format_job_count,
    format_json,
    format_time,
    json_option,
    print_first_rows,
    print_line,
    print_rows,
    report_unknown,
)
from .params import INSTANT, TEXT

COLUMNS = ("id", "class", "queue", "args", "error", "message", "cause", "attempt", "failed_at")
NONE = "no failed jobs"


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def failed(ctx: click.Context, as_json: bool) -> None:
    """Failed jobs: list, show, retry, remove."""
    if ctx.invoked_subcommand is None:
        show_failures(Filter(), 50, as_json=as_json)


def make_filter(
    ids: Sequence[str] = (),
    name: str | None = None,
    queue: str | None = None,
    error: str | None = None,
    since: float | None = None,
    until: float | None = None,
) -> Filter:
    return Filter(frozenset(ids), name, queue, error, since, until)


filtered = filter_options(
    make_filter,
    class_option,
    queue_option(),
    click.option(
        "--error", type=TEXT, help="Jobs whose error, type or message, contains this text."
    ),
    click.option("--since", type=INSTANT, help="Failed at or after: a time, or 2h for 2 h ago."),
    click.option("--until", type=INSTANT, help="Failed before: a time, or 2h for 2 h ago."),
)


@failed.command("list")
@filtered
@count_option
@json_option
def listing(wanted: Filter, count: int, as_json: bool) -> None:
    """List failed jobs of all queues, the newest failure first."""
    show_failures(wanted, count, as_json=as_json)


def show_failures(wanted: Filter, count: int, *, as_json: bool) -> None:
    """Print the failed jobs that match, at most ``count`` (0: all)."""
    rows = map(failure_row, newest_first(Job.app.monitor, wanted))
    print_first_rows(rows, COLUMNS, count, as_json=as_json, empty=empty_text(wanted.queue, NONE))


@failed.command("show")
@click.argument("id", type=TEXT)
def show_one(id: str) -> None:
    """Show all facts of one failed job, with its traceback."""
    view = Job.app.find(id)
    if view is None or view.state != "failed":
        place = "it is unknown" if view is None else f"it is {view.state} in {view.queue}"
        raise click.ClickException(f"{id}: expected a failed job, but {place}")
    facts = failure_row(view) | {k: v for k, v in view.failure.items() if k != "traceback"}
    if view.name is None:
        facts["raw"] = view.raw
    for name, value in facts.items():
        print_line(f"{name:12} {value if isinstance(value, str) else format_json(value)}")
    for plugin, kept in view.plugin_data.items():
        click.echo(f"{one_line(plugin):12} {format_json(kept, indent=2)}")
    click.echo()
    lines = view.failure.get("traceback", "(no traceback)")
    click.echo(indented(lines if isinstance(lines, str) else format_json(lines)))


def matching(wanted: Filter) -> list[JobView]:
    return list(find(Job.app.monitor, wanted))


def are_found(wanted: Filter, views: list[JobView]) -> bool:
    """Report which of the ids are not among the jobs that were found; returns whether all are."""
    return report_unknown(wanted.ids, [view.id for view in views], "a failed job that matches")


def dry_run(wanted: Filter) -> bool:
    views = matching(wanted)
    print_rows(map(failure_row, views), COLUMNS, empty=NONE)
    return are_found(wanted, views)


bulk = bulk_command(filtered, all_help="All failed jobs.", dry_run=dry_run)


@failed.command()
@bulk
def retry(wanted: Filter) -> bool:
    """Move failed jobs to the tail of their queues, as first attempts.

    Each job moves in one step, so none is lost and none runs twice.
    """
    views = matching(wanted)
    answers = retry_failures(Job.app.control, views)
    counts = Counter(answer.kind for answer in answers.values())
    print_line(f"{format_job_count(counts['queued'])} queued")
    for id, answer in answers.items():
        if answer.kind == "exists":
            print_line(f"{id} stays failed: job {answer.holder} holds its claim", err=True)
        elif answer.kind == "unreadable":
            print_line(f"{id} stays failed: it cannot be read; see buoy failed show", err=True)
    stayed = counts["exists"] + counts["unreadable"]
    return are_found(wanted, views) and not stayed


@failed.command()
@bulk
@yes_option
def remove(wanted: Filter, yes: bool) -> bool:
    """Remove failed jobs for ever. Asks before it removes all."""
    views = matching(wanted)
    if wanted == Filter() and views:
        confirm(f"Remove all failed jobs ({len(views)})?", yes=yes)
    print_line(f"{format_job_count(len(remove_failures(Job.app.control, views)))} removed")
    return are_found(wanted, views)


def failure_row(view: JobView) -> dict[str, Any]:
    """Return a failed job as a row of the table, and as an object of the JSON output."""
    return {
        "id": view.id,
        "class": view.name,
        "queue": view.queue,
        "args": view.args,
        **{name: view.failure.get(name) for name in ("error", "message", "cause")},
        "attempt": view.attempt,
        "worker": view.failure.get("worker"),
        "failed_at": format_time(view.at),
    }
