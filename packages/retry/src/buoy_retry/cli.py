"""``buoy retry``."""

from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any

import click

from buoy import Job
from buoy.plugins.commands import (
    TEXT,
    all_known,
    class_option,
    confirm,
    counted,
    end,
    json_option,
    known_queue,
    none_in,
    queue_option,
    say,
    show,
    stamp,
    yes_option,
)
from buoy.plugins.redis import JobView

from .attempts import Attempt, history
from .retrying import RetryFilter, end_jobs, find_retrying, make_due

COLUMNS = ("id", "class", "queue", "args", "attempt", "due", "error", "message")
ATTEMPTS = ("attempt", "failed_at", "worker", "wait", "error", "message")
NONE = "no job is delayed for another attempt"


@click.group(invoke_without_command=True)
@click.pass_context
def retry(ctx: click.Context) -> None:
    """Jobs that are delayed for another attempt: list, show, run now, cancel."""
    if ctx.invoked_subcommand is None:
        show(map(row, find_retrying(Job.app, RetryFilter())), COLUMNS, False, NONE)


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the filters, as one value."""

    @click.argument("ids", nargs=-1, type=TEXT)
    @class_option
    @queue_option()
    @click.option(
        "--error", type=TEXT, help="Jobs whose last error, type or message, contains this text."
    )
    @wraps(command)
    def with_filter(
        ids: tuple[str, ...],
        name: str | None,
        queue: str | None,
        error: str | None,
        **others: Any,
    ) -> None:
        command(RetryFilter(frozenset(ids), name, queue, error), **others)

    return with_filter  # type: ignore[no-any-return]  # the options return what they are given


@retry.command("list")
@filtered
@json_option
def listing(wanted: RetryFilter, as_json: bool) -> None:
    """List the jobs that are delayed for another attempt, queue by queue, the next due first.

    The attempt is the number of the next one; the error is that of the last one.
    """
    show(map(row, find_retrying(Job.app, wanted)), COLUMNS, as_json, none_in(wanted.queue, NONE))


def all_meant(wanted: RetryFilter, views: list[JobView]) -> bool:
    known = [view.id for view in views]
    return all_known(wanted.ids, known, "a job that is delayed for another attempt and matches")


@retry.command("show")
@click.argument("id", type=TEXT)
@json_option
def show_one(id: str, as_json: bool) -> None:
    """List the failed attempts of a job, wherever it is, the oldest first."""
    view = Job.app.find(id)
    if view is None:
        raise click.ClickException(f"{id}: expected a job, but it is unknown")
    rows = [attempt_row(each) for each in history(view)]
    show(rows, ATTEMPTS, as_json, f"{id} has not failed yet")


def acting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command what is needed to change many jobs with care."""

    @filtered
    @click.option(
        "--all", "everything", is_flag=True, help="All jobs that are delayed for another attempt."
    )
    @click.option("--dry-run", is_flag=True, help="Only say which jobs it would be.")
    @wraps(command)
    def with_care(wanted: RetryFilter, everything: bool, dry_run: bool, **others: Any) -> None:
        if wanted == RetryFilter() and not everything:
            raise click.UsageError("expected ids, filters or --all, got none of them")
        if wanted.queue is not None:
            known_queue(wanted.queue)
        views = list(find_retrying(Job.app, wanted))
        if dry_run:
            show(map(row, views), COLUMNS, False, NONE)
        else:
            command(views, wanted == RetryFilter(), **others)
        end(all_meant(wanted, views))

    return with_care


@retry.command()
@acting
def now(views: list[JobView], everything: bool) -> None:
    """Make jobs due now."""
    say(f"{counted(len(make_due(Job.app, views)))} made due")


@retry.command()
@acting
@yes_option
def cancel(views: list[JobView], everything: bool, yes: bool) -> None:
    """End jobs that are delayed for another attempt, but not those that run already. To end all
    of them, it asks."""
    if everything and views:
        confirm(f"End all jobs that are delayed for another attempt ({len(views)})?", yes=yes)
    say(f"{counted(len(end_jobs(Job.app, views)))} ended")


def row(view: JobView) -> dict[str, Any]:
    attempts = history(view)
    last = attempt_row(attempts[-1]) if attempts else {}
    return {
        "id": view.id,
        "class": view.name,
        "queue": view.queue,
        "args": view.args,
        "attempt": view.attempt,
        "due": stamp(view.at),
        **{name: last.get(name) for name in ("error", "message", "worker", "failed_at")},
    }


def attempt_row(attempt: Attempt) -> dict[str, Any]:
    fields = asdict(attempt)
    return {"failed_at": stamp(fields.pop("at")), **fields}
