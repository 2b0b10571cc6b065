"""``buoy retry``."""

from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any

import click

from buoy import Job
from buoy.cli.output import counted, json_option, show, stamp
from buoy.monitor import JobView

from .attempts import Attempt, history
from .store import Filter, end, find, make_due

COLUMNS = ("id", "class", "queue", "args", "attempt", "due", "error", "message")
ATTEMPTS = ("attempt", "failed_at", "worker", "wait", "error", "message")
NONE = "no job waits for another attempt"


@click.group(invoke_without_command=True)
@click.pass_context
def retry(ctx: click.Context) -> None:
    """Jobs that wait for another attempt: list, show, run now, cancel."""
    if ctx.invoked_subcommand is None:
        show_all(list(find(Job.app, Filter())), as_json=False)


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the filters, as one value."""

    @click.argument("ids", nargs=-1)
    @click.option("--class", "name", help="Jobs of this class (its name as listed).")
    @click.option("--queue", help="Jobs of this queue.")
    @click.option("--error", help="Jobs whose last error, type or message, contains this text.")
    @wraps(command)
    def with_filter(
        ids: tuple[str, ...],
        name: str | None,
        queue: str | None,
        error: str | None,
        **others: Any,
    ) -> None:
        command(Filter(frozenset(ids), name, queue, error), **others)

    return with_filter


@retry.command("list")
@filtered
@json_option
def listing(wanted: Filter, as_json: bool) -> None:
    """Jobs that wait for another attempt, queue by queue, the next due first.

    The attempt is the one that they wait for, the error that of the last.
    """
    show_all(list(find(Job.app, wanted)), as_json=as_json)


def show_all(views: list[JobView], *, as_json: bool) -> None:
    show([row(view) for view in views], COLUMNS, as_json, NONE)


@retry.command("show")
@click.argument("id")
@json_option
def show_one(id: str, as_json: bool) -> None:
    """The failed attempts of a job, wherever it is, the oldest first."""
    view = Job.app.find(id)
    if view is None:
        raise click.ClickException(f"{id}: expected a job, but it is unknown")
    rows = [attempt_row(each) for each in history(view)]
    show(rows, ATTEMPTS, as_json, f"{id} has not failed yet")


def acting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command what is needed to change many jobs with care."""

    @filtered
    @click.option("--all", "everything", is_flag=True, help="All that wait for another attempt.")
    @click.option("--dry-run", is_flag=True, help="Only say which jobs it would be.")
    @wraps(command)
    def with_care(wanted: Filter, everything: bool, dry_run: bool) -> None:
        if wanted == Filter() and not everything:
            raise click.UsageError("expected ids, filters or --all, got none of them")
        views = list(find(Job.app, wanted))
        if dry_run:
            show_all(views, as_json=False)
        else:
            command(views)

    return with_care


@retry.command()
@acting
def now(views: list[JobView]) -> None:
    """Let jobs run now, not when they are due."""
    click.echo(f"{counted(len(make_due(Job.app, views)))} made due")


@retry.command()
@acting
def cancel(views: list[JobView]) -> None:
    """End jobs that wait for another attempt; what has begun to run is let be."""
    click.echo(f"{counted(len(end(Job.app, views)))} ended")


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
    told = asdict(attempt)
    return {"failed_at": stamp(told.pop("at")), **told}
