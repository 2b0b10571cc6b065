"""``buoy failed``."""

import json
from collections import Counter
from collections.abc import Callable
from functools import wraps
from itertools import islice
from typing import Any

import click

from ..failures import Filter, find
from ..failures import remove as remove_failures
from ..failures import retry as retry_failures
from ..job import Job
from ..monitor import JobView
from .output import Instant, count_option, counted, json_option, show, stamp

COLUMNS = ("id", "class", "queue", "args", "error", "message", "cause", "attempt", "failed_at")


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def failed(ctx: click.Context, as_json: bool) -> None:
    """Failed jobs: list, show, retry, remove."""
    if ctx.invoked_subcommand is None:
        show_failures(Filter(), 50, as_json=as_json)


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the filters, as one value."""

    @click.option("--class", "name", help="Jobs of this class (its name as listed).")
    @click.option("--queue", help="Jobs of this queue.")
    @click.option("--error", help="Jobs whose error, type or message, contains this text.")
    @click.option("--since", type=Instant(), help="Failed at or after: a time, or 2h for 2 h ago.")
    @click.option("--until", type=Instant(), help="Failed before: a time, or 2h for 2 h ago.")
    @wraps(command)
    def with_filter(
        name: str | None,
        queue: str | None,
        error: str | None,
        since: float | None,
        until: float | None,
        ids: tuple[str, ...] = (),
        **others: Any,
    ) -> None:
        wanted = Filter(frozenset(ids), name, queue, error, since, until)
        command(wanted=wanted, **others)

    return with_filter


@failed.command("list")
@filtered
@count_option
@json_option
def listing(wanted: Filter, count: int, as_json: bool) -> None:
    """Failed jobs, queue by queue, the oldest first."""
    show_failures(wanted, count, as_json=as_json)


def show_failures(wanted: Filter, count: int, *, as_json: bool) -> None:
    views = islice(find(Job.app.monitor, wanted), count or None)
    show([failure_row(view) for view in views], COLUMNS, as_json, "no failed jobs")


@failed.command("show")
@click.argument("id")
def show_one(id: str) -> None:
    """All that is known of one failed job, its traceback too."""
    view = Job.app.find(id)
    if view is None or view.state != "failed":
        place = "it is unknown" if view is None else f"it is {view.state} in {view.queue}"
        raise click.ClickException(f"{id}: expected a failed job, but {place}")
    facts = failure_row(view) | {k: v for k, v in view.failure.items() if k != "traceback"}
    for name, value in facts.items():
        click.echo(f"{name:12} {value if isinstance(value, str) else json.dumps(value)}")
    for plugin, kept in view.carried.items():
        click.echo(f"{plugin:12} {json.dumps(kept, indent=2)}")
    click.echo()
    click.echo(view.failure.get("traceback", "(no traceback)"))


def acting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command what is needed to change many jobs with care."""

    @click.argument("ids", nargs=-1)
    @filtered
    @click.option("--all", "everything", is_flag=True, help="All failed jobs.")
    @click.option("--dry-run", is_flag=True, help="Only say which jobs it would be.")
    @wraps(command)
    def with_care(wanted: Filter, everything: bool, dry_run: bool) -> None:
        if wanted == Filter() and not everything:
            raise click.UsageError("expected ids, filters or --all, got none of them")
        views = find(Job.app.monitor, wanted)
        if dry_run:
            show([failure_row(view) for view in views], COLUMNS, False, "no failed jobs")
        else:
            command(list(views))

    return with_care


@failed.command()
@acting
def retry(views: list[JobView]) -> None:
    """Put failed jobs back on their queues, as first attempts. Each moves in one step: none stays
    behind, none runs twice."""
    answers = retry_failures(Job.app.control, views)
    counts = Counter(answer.split()[0] for answer in answers.values())
    click.echo(f"{counted(counts['queued'])} put back")
    for id, answer in answers.items():
        if answer.startswith("exists"):
            click.echo(f"{id} stays failed: job {answer[7:]} holds its claim", err=True)
    if counts["exists"]:
        raise SystemExit(1)


@failed.command()
@acting
def remove(views: list[JobView]) -> None:
    """Forget failed jobs."""
    click.echo(f"{counted(len(remove_failures(Job.app.control, views)))} removed")


def failure_row(view: JobView) -> dict[str, Any]:
    return {
        "id": view.id,
        "class": view.name,
        "queue": view.queue,
        "args": view.args,
        **{name: view.failure.get(name) for name in ("error", "message", "cause")},
        "attempt": view.attempt,
        "worker": view.failure.get("worker"),
        "failed_at": stamp(view.at),
    }
