"""The command ``buoy history``."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import click

from buoy import App, Job
from buoy.plugins.commands import (
    INSTANT,
    TEXT,
    Choice,
    Duration,
    ListGroup,
    args_option,
    class_option,
    count_option,
    empty_text,
    format_time,
    json_option,
    print_facts,
    print_first_rows,
    print_rows,
    progress,
    queue_option,
    tag_option,
    watch_option,
)
from buoy.plugins.operators import KnownJob

from .brief_search import find_end
from .ended_jobs import count_all, search
from .ended_jobs import history as history_of
from .record import STATES, EndedJob
from .wanted import Wanted, shown_arguments

COLUMNS = (
    "ended_at",
    "state",
    "class",
    "id",
    "queue",
    "args",
    "run_time",
    "waited",
    "attempt",
    "tags",
    "error",
    "message",
)
NO_MATCH = "no job that has ended matches"
NONE = "nothing is remembered: no job with the plugin History has ended"


@click.group(cls=ListGroup)
def history() -> None:
    """Jobs that have ended: list, show. Needs the plugin History."""


@history.command("list")
@class_option
@queue_option()
@click.option("--state", type=Choice(STATES), help="Jobs that have ended so.")
@tag_option
@click.option("--error", type=TEXT, help="Jobs whose error, type or message, contains this text.")
@args_option
@click.option("--since", type=INSTANT, help="Ended at or after: a time, or 2h for 2 h ago.")
@click.option("--until", type=INSTANT, help="Ended before: a time, or 2h for 2 h ago.")
@count_option
@json_option
@watch_option
def listing(count: int, as_json: bool, **wanted: Any) -> None:
    """List jobs that have ended, the newest first."""
    list_ended(Wanted(**wanted), count, as_json=as_json)


def list_ended(wanted: Wanted, most: int, *, as_json: bool) -> None:
    """Print the newest ends that match, at most ``most`` (0: all), and how many there are."""
    with progress("ended jobs read") as shown:
        found = search(Job.app, wanted, shown.add)
        ended = list(islice(found, most or None))
        total = len(ended)
        if (
            most == total and not as_json
        ):  # else these are all, or nobody is told how many there are
            if wanted.reads_entries:
                total += sum(1 for _ in found)
            else:
                total = max(total, count_all(Job.app, wanted))
    print_first_rows(
        map(row, ended),
        COLUMNS,
        most,
        as_json=as_json,
        empty=empty_text(wanted.queue, NONE if wanted == Wanted() else NO_MATCH),
        total=total,
    )


@history.command("show")
@click.argument("id", type=TEXT)
@json_option
def show_one(id: str, as_json: bool) -> None:
    """Show all that is remembered of one job, its last end first."""
    ended = history_of().get(id)
    if not ended:
        raise click.ClickException(
            f"{id}: expected a job that has ended and is remembered, but there is none; see buoy "
            "jobs show"
        )
    if as_json:
        print_rows(map(row, ended), as_json=True)
        return
    for number, each in enumerate(ended):
        if number:
            click.echo()
        print_facts(row(each), as_json=False)


def job_facts(app: App, known: KnownJob) -> Mapping[str, Any] | None:
    """Returns the facts of a job that no queue holds any more, from its last end; None if there are
    none. Queues tell themselves of the others."""
    ended = None if known.job else find_end(app, known.id, known.queues)
    if ended is None:
        return None
    return {name: value for name, value in row(ended).items() if value and name != "id"}


def row(each: EndedJob) -> dict[str, Any]:
    """Returns an end as lists show it, and as JSON has it."""
    return {
        "id": each.id,
        "class": each.name,
        "queue": each.queue,
        "state": each.state,
        "ended_at": format_time(each.ended_at),
        "enqueued_at": format_time(each.enqueued_at),
        "args": shown_arguments(each),
        "attempt": each.attempt,
        "waited": Duration(each.waited),
        "run_time": Duration(each.seconds),
        "worker": each.worker,
        "tags": list(each.tags),
        **{name: getattr(each, name) or None for name in ("error", "message", "cause")},
        "result": each.result,
        "missing": each.missing or None,
    }
