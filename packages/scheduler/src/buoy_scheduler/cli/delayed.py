"""``buoy delayed``."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from buoy import ConfigurationError
from buoy.plugins.commands import (
    ListGroup,
    bulk_command,
    class_option,
    confirm,
    count_option,
    empty_text,
    filter_options,
    format_job_count,
    format_time,
    json_option,
    print_first_rows,
    print_line,
    print_preview,
    queue_option,
    report_unknown,
    tag_option,
    watch_option,
    yes_option,
)
from buoy.plugins.redis import JobView

from ..delayed import Delayed
from ..values import parse_duration

COLUMNS = ("id", "class", "queue", "args", "tags", "state", "due")
NONE = "no delayed jobs"


@click.group(cls=ListGroup)
def delayed() -> None:
    """Delayed jobs: list, count, move to another time, run now, remove."""


class Arguments(click.ParamType):  # type: ignore[type-arg]  # click has it from 8.4 on
    """All arguments of a job, as a JSON array."""

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
    """A time in ISO 8601 (local time unless it has a zone), or a duration from now, like 2h."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return datetime.now(UTC) + timedelta(seconds=parse_duration(value))
        except (ConfigurationError, OverflowError):
            pass
        try:
            return datetime.fromisoformat(value).astimezone()
        except (ValueError, OverflowError):
            self.fail(
                "expected a time like 2026-01-31T08:00, or a duration from now like 2h, "
                f"got {value!r:.200}",
                param,
                ctx,
            )


def make_filter(
    ids: Sequence[str] = (),
    name: str | None = None,
    args: list[Any] | None = None,
    queue: str | None = None,
    tag: str | None = None,
) -> Delayed:
    return Delayed(name, args, queue, list(ids) or None, tag=tag)


filtered = filter_options(
    make_filter,
    class_option,
    click.option(
        "--args", type=Arguments(), help="Jobs with exactly these arguments, like '[42]'."
    ),
    queue_option(),
    tag_option,
)


@delayed.command("list")
@filtered
@count_option
@json_option
@watch_option
def listing(wanted: Delayed, count: int, as_json: bool) -> None:
    """List delayed jobs, the next due first."""
    empty = empty_text(wanted.queue, NONE)
    print_first_rows(map(row, wanted), COLUMNS, count, as_json=as_json, empty=empty)


@delayed.command("count")
@filtered
def number(wanted: Delayed) -> None:
    """Count delayed jobs."""
    print_line(str(wanted.count()))


def matching_ids(wanted: Delayed) -> list[str]:
    """Returns the ids of those jobs that were named and match."""
    return [view.id for view in wanted] if wanted.ids else []


def are_found(wanted: Delayed, ids: list[str]) -> bool:
    """Whether all jobs that were named are among ``ids``; tells which are not."""
    return report_unknown(wanted.ids or (), ids, "a delayed job that matches")


def dry_run(wanted: Delayed) -> bool:
    print_preview([*map(row, wanted)], COLUMNS, NONE)
    return are_found(wanted, matching_ids(wanted))


bulk = bulk_command(filtered, all_help="All delayed jobs.", dry_run=dry_run)


@delayed.command()
@bulk
@click.option(
    "--to", "when", type=Moment(), required=True, help="A time, or a duration from now like 2h."
)
def move(wanted: Delayed, when: datetime) -> bool:
    """Make delayed jobs due at another time."""
    ids = matching_ids(wanted)
    print_line(
        f"{format_job_count(len(wanted.move(when)))} moved to {format_time(when.timestamp())}"
    )
    return are_found(wanted, ids)


@delayed.command()
@bulk
def now(wanted: Delayed) -> bool:
    """Make delayed jobs due now."""
    ids = matching_ids(wanted)
    print_line(f"{format_job_count(len(wanted.now()))} made due")
    return are_found(wanted, ids)


@delayed.command()
@bulk
@yes_option
def remove(wanted: Delayed, yes: bool) -> bool:
    """End delayed jobs; they never run. To end all of them, it asks."""
    if wanted == Delayed() and (count := wanted.count()):
        confirm(f"End all delayed jobs ({count})?", yes=yes)
    ids = matching_ids(wanted)
    print_line(f"{format_job_count(len(wanted.remove()))} removed")
    return are_found(wanted, ids)


def row(view: JobView) -> dict[str, Any]:
    return {
        "id": view.id,
        "class": view.name,
        "queue": view.queue,
        "args": view.shown_args,
        "kwargs": view.shown_kwargs,
        "tags": list(view.tags),
        "state": view.state,
        "attempt": view.attempt,
        "due": format_time(view.at),
    }
