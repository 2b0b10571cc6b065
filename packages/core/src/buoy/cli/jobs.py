"""``buoy jobs``: one job, wherever it lies, and lists of jobs."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from ..jobs.job import Job
from ..operations.job_filter import STATES, JobFilter
from ..operations.job_search import search
from ..operations.known_job import KnownJob, facts_of, known_job
from ..operations.views import JobState, JobView
from .bulk import filter_options
from .edit_job import edit
from .group import ListGroup
from .job_facts import Facts, job_facts, print_facts
from .options import args_option, class_option, empty_text, queue_option, tag_option
from .output import (
    count_option,
    exit_unless,
    format_time,
    json_option,
    print_first_rows,
    print_line,
)
from .params import INSTANT, QUEUE, TEXT, States
from .progress import progress
from .retry_answers import report_answer
from .run_job import run
from .watch import watch_option

COLUMNS = (
    "id",
    "state",
    "class",
    "queue",
    "args",
    "attempt",
    "tags",
    "priority",
    "enqueued_at",
    "at",
)
ids_argument = click.argument("ids", metavar="ID...", nargs=-1, type=TEXT, required=True)


@click.group(cls=ListGroup)
def jobs() -> None:
    """Jobs in any state: list, show, cancel, retry, edit, run them."""


jobs.add_command(edit)
jobs.add_command(run)


# Lists


def make_filter(
    states: Sequence[JobState] = (),
    name: str | None = None,
    queue: str | None = None,
    tag: str | None = None,
    args: str | None = None,
    newer: float | None = None,
    older: float | None = None,
) -> JobFilter:
    return JobFilter(states, name, queue, args, tag, since=newer, until=older)


filtered = filter_options(
    make_filter,
    click.option(
        "--state",
        "states",
        type=States(),
        default=(),
        metavar="STATE[,STATE]",
        help=f"Jobs in one of these states: {', '.join(STATES)}.",
    ),
    class_option,
    queue_option(),
    tag_option,
    args_option,
    click.option("--older", type=INSTANT, help="Enqueued before: 2h for 2 h ago, or a time."),
    click.option("--newer", type=INSTANT, help="Enqueued at or after: 2h for 2 h ago, or a time."),
)


@jobs.command("list")
@filtered
@count_option
@json_option
@watch_option
def listing(wanted: JobFilter, count: int, as_json: bool) -> None:
    """List jobs, the newest first: those that were enqueued last, or failed last.

    The column "at" is when a job is due, runs since, or failed.
    """
    list_jobs(wanted, count, as_json=as_json)


def list_jobs(wanted: JobFilter, most: int, *, as_json: bool) -> None:
    """Print how many jobs match, and the newest of them, at most ``most`` (0: all)."""
    with progress("jobs read") as shown:
        found = search(Job.app.monitor, wanted, most or None, shown.add)
    if not as_json and found.total:
        print_line(format_counts(found.counts))
    print_first_rows(
        map(job_row, found.views),
        COLUMNS,
        most,
        as_json=as_json,
        empty=empty_text(wanted.queue, "no jobs"),
        total=found.total,
    )


def job_row(view: JobView) -> dict[str, Any]:
    """Returns a job as a row of the table, and as an object of the JSON output."""
    at = view.since if view.state == "running" else view.at
    return {
        "id": view.id,
        "state": view.state,
        "class": view.name,
        "queue": view.queue,
        "args": [*view.shown_args, *filter(None, [view.shown_kwargs])],
        "attempt": view.attempt,
        "tags": list(view.tags),
        "priority": view.priority,
        "enqueued_at": format_time(view.enqueued_at or None),
        "at": format_time(at),
    }


# One job


@jobs.command()
@click.argument("id", type=TEXT)
@json_option
def show(id: str, as_json: bool) -> None:
    """Show all that is known of a job, wherever it lies, with the traceback of its failure."""
    known = known_job(Job.app.monitor, id)
    plugins = facts_of(Job.app, known)
    if known.job is None and known.ended_at is None and not plugins:
        raise click.ClickException(f"{id}: {UNKNOWN}")
    facts = job_facts(known.job) if known.job is not None else facts_of_ended(known)
    print_facts(facts | {"plugins": plugins}, as_json=as_json)


UNKNOWN = (
    "expected the id of a job, but no queue knows it; a job that ended is known for two minutes"
)


def facts_of_ended(known: KnownJob) -> Facts:
    """Returns what queues know of a job that has ended: where and when, if that was moments ago."""
    facts: Facts = {"id": known.id, "state": "ended"}
    if known.ended_at is None:
        return facts
    return facts | {"queue": known.queues[0], "ended_at": format_time(known.ended_at)}


@jobs.command()
@ids_argument
def cancel(ids: tuple[str, ...]) -> None:
    """End jobs that are queued, blocked, delayed or running.

    The worker of a running job ends the run at its next heartbeat.
    """
    done = [cancel_one(id) for id in ids]
    exit_unless(all(done))


def cancel_one(id: str) -> bool:
    """End a job, and report it; returns whether it was there."""
    state = Job.app.cancel(id)
    if state is None:
        hint = "; remove it with buoy failed remove"
        return refuse(id, "a queued, blocked, delayed or running job", failed=hint)
    more = "; its worker ends the run at its next heartbeat" if state == "running" else ""
    print_line(f"{id}: cancelled, it was {state}{more}")
    return True


@jobs.command()
@ids_argument
@click.option("--to", type=QUEUE, help="Another queue, to which the jobs move.")
def retry(ids: tuple[str, ...], to: str | None) -> None:
    """Move failed jobs to the tail of their queue, as first attempts."""
    done = [retry_one(id, to) for id in ids]
    exit_unless(all(done))


def retry_one(id: str, to: str | None) -> bool:
    """Retry a failed job, and report it; returns whether it is queued."""
    answer = Job.app.retry(id, to=to)
    if answer.kind == "gone":
        return refuse(id, "a failed job", delayed="; make it due with buoy jobs run-now")
    return report_answer(id, answer, to)


@jobs.command("run-now")
@ids_argument
def run_now(ids: tuple[str, ...]) -> None:
    """Queue jobs that are delayed or have failed: the next free worker takes them."""
    done = [run_one_now(id) for id in ids]
    exit_unless(all(done))


def run_one_now(id: str) -> bool:
    """Queue a delayed or failed job, and report it; returns whether it is queued."""
    answer = Job.app.run_now(id)
    if answer.kind == "gone":
        return refuse(id, "a delayed or failed job", blocked=", until it gets its permits")
    return report_answer(id, answer)


def refuse(id: str, wanted: str, **hints: str) -> bool:
    """Report where a job is that is in none of the wanted states; returns False.

    ``hints``: what to do about a job, by its state.
    """
    known = known_job(Job.app.monitor, id)
    if (view := known.job) is not None:
        place = f"it is {view.state} in {view.queue}{hints.get(view.state, '')}"
    elif known.ended_at is not None:
        place = f"it has ended in {known.queues[0]}"
    else:
        place = "no queue knows it"
    print_line(f"{id}: expected {wanted}, but {place}", err=True)
    return False


def format_counts(counts: Mapping[JobState, int]) -> str:
    """Returns how many jobs are in each state. Most apps never block a job."""
    return ", ".join(
        f"{state} {count}" for state, count in counts.items() if count or state != "blocked"
    )
