"""``buoy queues``."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from ..jobs.job import Job
from ..operations.move import PAGE_SIZE, Move
from ..operations.repair import Survey, by_kind
from ..operations.views import JobView
from ..worker.registration import worker_id
from .options import confirm, require_queue, yes_option
from .output import exit_unless, format_job_count, format_time, json_option, print_line, print_rows
from .params import COUNT, QUEUE

if TYPE_CHECKING:
    from ..operations.control import Control
    from ..operations.monitor import Monitor

TOTALS = ("name", "queued", "delayed", "running", "failed", "done", "rejected", "paused")
JOBS = ("id", "class", "args", "state", "attempt", "enqueued_at", "due")


NAMED = 10
"""How many ids one line lists."""


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def queues(ctx: click.Context, as_json: bool) -> None:
    """Queues: list, pause, resume, clear, move and repair them."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(listing, as_json=as_json)


@queues.command("list")
@json_option
def listing(as_json: bool) -> None:
    """List all queues, with how many jobs each has."""
    views, missed = Job.app.monitor.count_queues()
    rows = [asdict(view) for view in views]
    empty = "" if missed else "no queues: nothing was enqueued yet"
    print_rows(rows, TOTALS, as_json=as_json, empty=empty)
    for name, error in missed.items():
        click.echo(f"queue {name}: {error}", err=True)
    if missed:
        raise SystemExit(1)


@queues.command()
@click.argument("queue", type=QUEUE)
@click.option("--count", type=COUNT, default=10, show_default=True, help="The most jobs to list.")
@click.option("--start", type=COUNT, default=0, help="How many jobs to skip.")
@click.option("--delayed", is_flag=True, help="List delayed jobs instead of queued ones.")
@json_option
def peek(queue: str, count: int, start: int, delayed: bool, as_json: bool) -> None:
    """List the next jobs of a queue. Changes nothing."""
    monitor = Job.app.monitor
    require_queue(queue)
    views = (monitor.delayed if delayed else monitor.peek)(queue, start, count)
    empty = f"{queue} has no {'delayed' if delayed else 'queued'} jobs"
    print_rows([job_row(view) for view in views], JOBS, as_json=as_json, empty=empty)


@queues.command()
@click.argument("queue", type=QUEUE)
@click.option(
    "--force", is_flag=True, help="Also pause a queue to which nothing was ever enqueued."
)
def pause(queue: str, force: bool) -> None:
    """Pause a queue: workers take nothing from it. Running jobs continue."""
    if not force:
        require_queue(queue)
    changed = Job.app.control.pause(queue)
    print_line(f"{queue} is paused" if changed else f"{queue} was paused already")


@queues.command()
@click.argument("queue", type=QUEUE)
def resume(queue: str) -> None:
    """Resume a queue: workers take jobs from it again."""
    changed = Job.app.control.pause(require_queue(queue), resume=True)
    print_line(f"{queue} is resumed" if changed else f"{queue} was not paused")


@queues.command()
@click.argument("queue", type=QUEUE)
@yes_option
def clear(queue: str, yes: bool) -> None:
    """End all queued and delayed jobs of a queue. Running and failed jobs stay."""
    app = Job.app
    require_queue(queue)
    confirm(f"End all queued and delayed jobs of {queue}?", yes=yes)
    print_line(f"{format_job_count(sum(end_jobs(app.control, app.monitor, queue)))} ended")


@queues.command()
@click.argument("source", metavar="FROM", type=QUEUE)
@click.argument("target", metavar="TO", type=QUEUE)
@click.option("--dry-run", is_flag=True, help="Only count the jobs; change nothing.")
def move(source: str, target: str, dry_run: bool) -> None:
    """Move all queued and delayed jobs of a queue to the tail of another.

    Each keeps its id, its arguments and its due time. Running and failed jobs stay.
    """
    if source == target:
        raise click.UsageError(f"expected two queues, got {source} twice")
    app = Job.app
    require_queue(source)
    if dry_run:
        [view] = app.monitor.queues([source])
        counts = f"queued {view.queued}, delayed {view.delayed}"
        print_line(f"{source}: {counts}, would be moved to {target}")
        return
    moving = Move(app.control, app.monitor, source, target, worker_id())
    try:
        moving.run()
    finally:
        print_line(f"{format_job_count(moving.moved)} moved from {source} to {target}")
    for id, reason in moving.skipped.items():
        print_line(f"{id} stays in {source}: {reason}", err=True)
    exit_unless(not moving.skipped)


@queues.command()
@click.argument("names", metavar="[QUEUE]...", nargs=-1, type=QUEUE)
@click.option("--dry-run", is_flag=True, help="Only report what is wrong; change nothing.")
def repair(names: tuple[str, ...], dry_run: bool) -> None:
    """Mend what `buoy doctor` finds in these queues, or in all.

    It finds jobs in no place or in two, ids without a payload, tokens without a lease and claims
    without a job. Workers may run meanwhile. Ends with exit code 1 if anything is not mended.
    """
    known = Job.app.monitor.queue_names()
    surveys = [Survey(Job.app.broker, name) for name in names or known]
    unknown = [each for each in surveys if each.queue not in known and not each.exists()]
    for each in unknown:
        print_line(f"{each.queue}: expected a queue, got nothing under this name", err=True)
    whole = [repair_queue(each, dry_run) for each in surveys if each not in unknown]
    exit_unless(not unknown and all(whole))


def repair_queue(survey: Survey, dry_run: bool) -> bool:
    """Repair a queue and report it; returns whether nothing is wrong with it now."""
    if wrong := survey.wrong_keys():
        print_line(f"{survey.queue}: {', '.join(wrong)}; nothing was changed", err=True)
        return False
    faults = list(survey.faults(mend=not dry_run))
    for kind, subjects in by_kind(faults):
        mend = f"would be {kind.mend}" if dry_run else kind.mend
        some = ", ".join(subjects[:NAMED])
        more = f" and {len(subjects) - NAMED} more" if len(subjects) > NAMED else ""
        print_line(f"{survey.queue}: {kind.wrong}: {len(subjects)}, {mend}: {some}{more}")
    if not faults:
        print_line(f"{survey.queue}: nothing is wrong")
    return not (faults and dry_run)


def end_jobs(control: "Control", monitor: "Monitor", queue: str) -> Iterator[int]:
    """End the queued and delayed jobs page by page; yields how many of each page ended.

    Always reads from the start of the queue; skips jobs that could not be ended.
    """
    for next_ids in (monitor.queued_ids, monitor.delayed_ids):
        stay: set[str] = set()
        while ids := [id for id in next_ids(queue, PAGE_SIZE + len(stay)) if id not in stay]:
            gone = control.remove(queue, ids, "queued delayed")
            stay |= set(ids) - set(gone)
            yield len(gone)


def job_row(view: JobView) -> dict[str, Any]:
    """Return a job as a row of the table, and as an object of the JSON output."""
    return {
        "id": view.id,
        "class": view.name,
        "queue": view.queue,
        "args": view.args,
        "kwargs": view.kwargs,
        "state": view.state,
        "attempt": view.attempt,
        "enqueued_at": format_time(view.enqueued_at),
        "due": format_time(view.at),
    }
