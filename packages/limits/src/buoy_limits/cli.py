"""``buoy limits``."""

from typing import Any

import click

from buoy import Job
from buoy.plugins.commands import (
    TEXT,
    ListGroup,
    WholeNumber,
    count_option,
    empty_text,
    exit_unless,
    format_job_count,
    format_time,
    json_option,
    print_first_rows,
    print_line,
    queue_option,
    report_unknown,
    require_queue,
    watch_option,
)
from buoy.plugins.redis import PaceView, PermitView, find_paces, find_permits, queue_names

from .plugin import MOST
from .rows import in_order, limit_row

COLUMNS = ("key", "queue", "taken", "limit", "blocked", "set", "next")
NONE = "no limit counts any job"
FIXED = ("Rate:", "Throttle:", "Debounce:")
"""The keys of what classes alone declare begin with one of these."""
WANTED = "a key that buoy limits list shows"


@click.group(cls=ListGroup)
def limits() -> None:
    """Limits: how many jobs each counts, how many are blocked; change them while jobs run."""


@limits.command("list")
@queue_option("Limits of this queue.")
@count_option
@json_option
@watch_option
def listing(queue: str | None, count: int, as_json: bool) -> None:
    """The limits that count any job or were set, those with most blocked jobs first; then the rates
    by which a job would wait now.

    Column "taken": jobs that are queued or run. Column "set": the limit that
    "buoy limits set" has set in place of the declared one. Column "next": the next free
    time of a rate; with a burst, jobs may begin before it.
    """
    app = Job.app
    found = in_order(permits(queue))
    paces = app.run_steps(find_paces(app, queues_of(queue)))
    rates = [each for each in paces if each.key.startswith("Rate:")]
    rows = [*(limit_row(each) | {"next": None} for each in found), *map(rate_row, rates)]
    print_first_rows(rows, COLUMNS, count, as_json=as_json, empty=empty_text(queue, NONE))


def queues_of(queue: str | None) -> list[str]:
    return Job.app.run_steps(queue_names(Job.app)) if queue is None else [queue]


def permits(queue: str | None) -> list[PermitView]:
    """Returns the limits of a queue, or of all."""
    return Job.app.run_steps(find_permits(Job.app, queues_of(queue)))


def rate_row(each: PaceView) -> dict[str, Any]:
    nothing = dict.fromkeys(COLUMNS)
    return nothing | {"key": each.key, "queue": each.queue, "next": format_time(each.until)}


@limits.command("set")
@click.argument("key", type=TEXT)
@click.argument("limit", type=WholeNumber(0, MOST))
@queue_option("The queue of the limit; by default each in which the key is known.")
def set_limit(key: str, limit: int, queue: str | None) -> None:
    """Set a limit, in place of the one that the classes declare.

    A higher one queues blocked jobs at once. With a lower one, jobs that are
    queued or run stay. 0 lets no further job in.
    """
    change(key, limit, queue)


@limits.command()
@click.argument("key", type=TEXT)
@queue_option("The queue of the limit; by default each in which the key is known.")
def reset(key: str, queue: str | None) -> None:
    """Let the limit count again that the classes declare."""
    change(key, None, queue)


def change(key: str, limit: int | None, queue: str | None) -> None:
    """Set the limit of a key in the queues that know it, or in this one."""
    if key.startswith(FIXED):
        raise click.ClickException(
            f"{key}: expected the key of a limit; a rate, a throttle and a debounce are changed in "
            "the class: jobs that are enqueued from then on have the new one"
        )
    if queue is not None:
        require_queue(queue)
        queues = [queue]
    else:
        queues = [each.queue for each in permits(None) if each.key == key]
    for name in queues:
        queued = Job.app.control.set_limit(name, key, limit)
        what = "as declared" if limit is None else limit
        print_line(f"{name}: {key}: {what}; {format_job_count(queued)} queued")
    exit_unless(report_unknown([key], {key} if queues else set(), WANTED))
