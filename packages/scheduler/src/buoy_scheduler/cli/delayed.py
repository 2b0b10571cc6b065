"""``buoy delayed``."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

import click

from buoy import ConfigurationError
from buoy.plugins.commands import (
    TEXT,
    class_option,
    confirm,
    count_option,
    empty_text,
    exit_unless,
    format_job_count,
    format_time,
    json_option,
    print_first_rows,
    print_line,
    print_rows,
    queue_option,
    report_unknown,
    require_queue,
    yes_option,
)
from buoy.plugins.redis import JobView

from ..delayed import Delayed
from ..values import duration

COLUMNS = ("id", "class", "queue", "args", "state", "due")
NONE = "no delayed jobs"


@click.group(invoke_without_command=True)
@click.pass_context
def delayed(ctx: click.Context) -> None:
    """Delayed jobs: list, count, move to another time, run now, remove."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(listing, count=50, as_json=False)


class Arguments(click.ParamType):  # type: ignore[type-arg]  # click has it from 8.4 on
    """The whole arguments of a job: a JSON array."""

    name = "json"

    def convert(self, value: Any, param: Any, ctx: Any) -> list[Any]:
        if isinstance(value, list):
            return value
        try:
            given = json.loads(value)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, list):
            self.fail(f"expected a JSON array like '[42]', got {value!r:.200}", param, ctx)
        return given


class Moment(click.ParamType):  # type: ignore[type-arg]  # click has it from 8.4 on
    """A time (ISO 8601, in local time unless it says another zone), or in how long (2h)."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return datetime.now(UTC) + timedelta(seconds=duration(value))
        except (ConfigurationError, OverflowError):
            pass
        try:
            return datetime.fromisoformat(value).astimezone()
        except (ValueError, OverflowError):
            self.fail(
                "expected a time like 2026-01-31T08:00, or in how long like 2h, "
                f"got {value!r:.200}",
                param,
                ctx,
            )


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the filters, as one value."""

    @class_option
    @click.option("--args", type=Arguments(), help="Jobs with just these arguments: '[42]'.")
    @queue_option()
    @wraps(command)
    def with_filter(
        name: str | None,
        args: list[Any] | None,
        queue: str | None,
        ids: tuple[str, ...] = (),
        **others: Any,
    ) -> None:
        command(wanted=Delayed(name, args, queue, list(ids) or None), **others)

    return with_filter  # type: ignore[no-any-return]  # the options return what they are given


@delayed.command("list")
@filtered
@count_option
@json_option
def listing(wanted: Delayed, count: int, as_json: bool) -> None:
    """Delayed jobs, the next due first."""
    empty = empty_text(wanted.queue, NONE)
    print_first_rows(map(row, wanted), COLUMNS, count, as_json=as_json, empty=empty)


@delayed.command("count")
@filtered
def number(wanted: Delayed) -> None:
    """How many there are."""
    print_line(str(wanted.count()))


def acting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command what is needed to change many jobs with care."""

    @click.argument("ids", nargs=-1, type=TEXT)
    @filtered
    @click.option("--all", "everything", is_flag=True, help="All delayed jobs.")
    @click.option("--dry-run", is_flag=True, help="Only say which jobs it would be.")
    @wraps(command)
    def with_care(wanted: Delayed, everything: bool, dry_run: bool, **others: Any) -> None:
        if wanted == Delayed() and not everything:
            raise click.UsageError("expected ids, filters or --all, got none of them")
        if wanted.queue is not None:
            require_queue(wanted.queue)
        meant = [view.id for view in wanted] if wanted.ids else []
        if dry_run:
            print_rows(map(row, wanted), COLUMNS, empty=NONE)
        else:
            command(wanted, **others)
        exit_unless(report_unknown(wanted.ids or (), meant, "a delayed job that is meant"))

    return with_care


@delayed.command()
@acting
@click.option("--to", "when", type=Moment(), required=True, help="A time, or 2h for in 2 h.")
def move(wanted: Delayed, when: datetime) -> None:
    """Make delayed jobs due at another time."""
    moved = format_job_count(len(wanted.move(when)))
    print_line(f"{moved} moved to {format_time(when.timestamp())}")


@delayed.command()
@acting
def now(wanted: Delayed) -> None:
    """Make delayed jobs ready at once."""
    print_line(f"{format_job_count(len(wanted.now()))} made ready")


@delayed.command()
@acting
@yes_option
def remove(wanted: Delayed, yes: bool) -> None:
    """End delayed jobs; they never run. To end all of them, it asks."""
    if wanted == Delayed() and (count := wanted.count()):
        confirm(f"End all delayed jobs ({count})?", yes=yes)
    print_line(f"{format_job_count(len(wanted.remove()))} removed")


def row(view: JobView) -> dict[str, Any]:
    return {
        "id": view.id,
        "class": view.name,
        "queue": view.queue,
        "args": view.args,
        "kwargs": view.kwargs,
        "state": view.state,
        "attempt": view.attempt,
        "due": format_time(view.at),
    }
