"""``buoy limits``."""

import click

from buoy import ConfigurationError, Job
from buoy.plugins.commands import (
    TEXT,
    ListGroup,
    count_option,
    empty_text,
    exit_unless,
    format_time,
    json_option,
    print_first_rows,
    print_line,
    queue_option,
    report_unknown,
    require_queue,
    watch_option,
)
from buoy.plugins.redis import queue_names

from .changes import change, check_settable, lift, parse, parse_limit
from .rates import parse_rate
from .rows import COLUMNS, read_rows

NONE = "no limit counts any job"
WANTED = "a key that buoy limits list shows"
IN_QUEUE = "The queue of the key; by default each in which it is known."


class LimitOrRate(click.ParamType):  # type: ignore[type-arg]  # click has it from 8.4 on
    """The text of a limit, or of a rate; which of them it must be, the key tells."""

    name = "limit"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            _ = parse_rate(value) if "/" in value else parse_limit(value)
        except ConfigurationError as error:
            self.fail(str(error), param, ctx)
        return value


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
    by which a job would wait now or that were set, the throttles, and the bursts that wait.

    Column "taken": jobs that are queued or run. Column "delayed": jobs that wait for their
    times by a rate. Column "set": what "buoy limits set" has set in place of what is
    declared. Column "next": the next free time of a rate; when a throttle ends; when a burst
    is due. Column "holder": the job that throttles others, or that waits for its burst.
    """
    found = Job.app.run_steps(read_rows(Job.app, queues_of(queue)))
    rows = [row | {"next": format_time(row["next"])} for some in found for row in some]
    print_first_rows(rows, COLUMNS, count, as_json=as_json, empty=empty_text(queue, NONE))


def queues_of(queue: str | None) -> list[str]:
    return Job.app.run_steps(queue_names(Job.app)) if queue is None else [queue]


@limits.command("set")
@click.argument("key", type=TEXT)
@click.argument("limit", type=LimitOrRate())
@queue_option(IN_QUEUE)
def set_limit(key: str, limit: str, queue: str | None) -> None:
    """Set a limit or a rate, in place of the one that the classes declare.

    LIMIT: of a limit a whole number, of a rate jobs and seconds, such as 100/60 or
    "100/60 burst 10". A higher limit queues blocked jobs at once. With a lower one, jobs
    that are queued or run stay. 0 lets no further job in. By a new rate the jobs that wait
    get new times at once.
    """
    expect_settable(key)
    try:
        wanted = parse(key, limit)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None
    for name in queues_for(key, queue):
        print_line(f"{name}: {change(Job.app, name, key, wanted)}")


@limits.command()
@click.argument("key", type=TEXT)
@queue_option(IN_QUEUE)
def reset(key: str, queue: str | None) -> None:
    """Let the limit or the rate count again that the classes declare; or lift a throttle, so
    that the next job of its key is enqueued."""
    lifts = key.startswith("Throttle:")
    if not lifts:
        expect_settable(key)
    for name in queues_for(key, queue):
        done = lift(Job.app, name, key) if lifts else change(Job.app, name, key, None)
        print_line(f"{name}: {done}")


def expect_settable(key: str) -> None:
    """End the command for a key whose number only its class tells."""
    try:
        check_settable(key)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from None


def queues_for(key: str, queue: str | None) -> list[str]:
    """Returns this queue, or those that know a key; ends the command if there is none."""
    if queue is not None:
        require_queue(queue)
        return [queue]
    found = Job.app.run_steps(read_rows(Job.app, queues_of(None)))
    known = [row["queue"] for rows in found for row in rows if row["key"] == key]
    exit_unless(report_unknown([key], {key} if known else set(), WANTED))
    return known
