"""``buoy queues``."""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import count as numbers
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any

import click

from ..broker.forwarding import jobs_wait
from ..jobs.job import Job
from ..operations.handovers import hand_over_now, read_open
from ..operations.job_filter import has_tag
from ..operations.move import PAGE_SIZE, Move
from ..operations.repair import Survey, by_kind
from ..operations.views import JobView, QueueView
from .cells import Duration
from .group import ListGroup
from .options import confirm, require_queue, tag_option, yes_option
from .output import exit_unless, format_job_count, format_time, json_option, print_line, print_rows
from .params import COUNT, QUEUE, QueueName
from .pause import report_pause
from .progress import progress
from .watch import watch_option

if TYPE_CHECKING:
    from ..broker.broker import Broker
    from ..operations.control import Control
    from ..operations.monitor import Monitor

TOTALS = (
    *("name", "queued", "latency", "blocked", "delayed", "running", "failed", "done", "rejected"),
    "paused",
)
JOBS = ("id", "class", "args", "tags", "priority", "state", "attempt", "enqueued_at", "due")


NAMED = 10
"""How many ids one line lists."""


@click.group(cls=ListGroup)
def queues() -> None:
    """Queues: list, pause, resume, clear, move and repair them."""


@queues.command("list")
@json_option
@watch_option
def listing(as_json: bool) -> None:
    """List all queues, with how many jobs each has."""
    views, missed = Job.app.monitor.count_queues()
    rows = [queue_row(view) for view in views]
    empty = "" if missed else "no queues: nothing was enqueued yet"
    columns = TOTALS if any(view.blocked for view in views) else [*filter("blocked".__ne__, TOTALS)]
    print_rows(rows, columns, as_json=as_json, empty=empty)
    report_pause()
    for name, error in missed.items():
        click.echo(f"queue {name}: {error}", err=True)
    if missed:
        raise SystemExit(1)


@queues.command()
@click.argument("queue", type=QUEUE)
@click.option("--count", type=COUNT, default=10, show_default=True, help="The most jobs to list.")
@click.option("--start", type=COUNT, default=0, help="How many jobs to skip.")
@click.option("--delayed", is_flag=True, help="List delayed jobs instead of queued ones.")
@tag_option
@json_option
@watch_option
def peek(queue: str, count: int, start: int, delayed: bool, tag: str | None, as_json: bool) -> None:
    """List the next jobs of a queue. Changes nothing."""
    monitor = Job.app.monitor
    require_queue(queue)
    page = monitor.delayed if delayed else monitor.peek
    empty = f"{queue} has no {'delayed' if delayed else 'queued'} jobs"
    if tag is None:
        views = page(queue, start, count)
    else:
        pages = takewhile(bool, (page(queue, n, PAGE_SIZE) for n in numbers(step=PAGE_SIZE)))
        found = (view for views in pages for view in views if has_tag(view, tag))
        views, empty = list(islice(found, start, start + count)), f"{empty} with this tag"
    print_rows([job_row(view) for view in views], JOBS, as_json=as_json, empty=empty)


class OneQueue(QueueName):
    """The name of one queue. For all queues there is another command."""

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        if str(value) == "*":
            self.fail("expected one queue, got '*'; to pause all: buoy pause", param, ctx)
        return super().convert(value, param, ctx)


@queues.command()
@click.argument("queue", type=OneQueue())
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
    """End all queued, blocked and delayed jobs of a queue. Running and failed jobs stay."""
    app = Job.app
    require_queue(queue)
    confirm(f"End all queued, blocked and delayed jobs of {queue}?", yes=yes)
    [view] = app.monitor.queues([queue])
    with progress("ended", view.queued + view.blocked + view.delayed) as shown:
        for ended in end_jobs(app.control, app.monitor, queue):
            shown.add(ended)
    print_line(f"{format_job_count(shown.done)} ended")


@queues.command()
@click.argument("source", metavar="FROM", type=QUEUE)
@click.argument("target", metavar="TO", type=QUEUE)
@click.option("--dry-run", is_flag=True, help="Only count the jobs; change nothing.")
def move(source: str, target: str, dry_run: bool) -> None:
    """Move all queued, blocked and delayed jobs of a queue to the tail of another.

    Each keeps its id, its arguments and its due time. Running and failed jobs stay.
    """
    if source == target:
        raise click.UsageError(f"expected two queues, got {source} twice")
    app = Job.app
    require_queue(source)
    [view] = app.monitor.queues([source])
    if dry_run:
        blocked = f", blocked {view.blocked}" if view.blocked else ""
        counts = f"queued {view.queued}{blocked}, delayed {view.delayed}"
        print_line(f"{source}: {counts}, would be moved to {target}")
        return
    moving = Move(app.control, app.monitor, source, target)
    try:
        with progress("moved", view.queued + view.blocked + view.delayed) as shown:
            app.run_steps(moving.run(shown.add))
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
    without a job; and it hands over jobs that are on their way to other queues. Workers may run
    meanwhile. Ends with exit code 1 if anything is not mended.
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
    stay, moved = hand_over(survey.broker, survey.queue, dry_run)
    if not faults and not stay and not moved:
        print_line(f"{survey.queue}: nothing is wrong")
    return not (faults and dry_run) and not stay


def hand_over(broker: "Broker", queue: str, dry_run: bool) -> tuple[int, int]:
    """Hand over the jobs that are on their way to other queues, and report it; returns how many
    stay, and how many have gone."""
    if dry_run:
        waiting = broker.run_steps(read_open(broker, [queue])).get(queue)
        if waiting:
            print_line(f"{queue}: jobs on their way to other queues: {waiting.count}, would go on")
        return (waiting.count if waiting else 0), 0
    report = hand_over_now(broker, queue)
    for (target, reason), count in report.put_off.items():
        print_line(f"{queue}: {jobs_wait(count)} to go to {target}: {reason}", err=True)
    if report.made:
        print_line(f"{queue}: jobs handed over to their queues: {report.made}")
    return report.put_off.total(), report.made


def end_jobs(control: "Control", monitor: "Monitor", queue: str) -> Iterator[int]:
    """End the delayed, blocked and queued jobs page by page; yields how many of each page ended.

    Always reads from the start of the queue; skips jobs that could not be ended.
    """
    # Jobs go on in this order meanwhile, so that none slips past.
    for next_ids in (monitor.delayed_ids, monitor.blocked_ids, monitor.queued_ids):
        stay: set[str] = set()
        while ids := [id for id in next_ids(queue, PAGE_SIZE + len(stay)) if id not in stay]:
            gone = control.remove(queue, ids, "queued delayed blocked")
            stay |= set(ids) - set(gone)
            yield len(gone)


def queue_row(view: QueueView) -> dict[str, Any]:
    """Returns a queue as a row of the table, and as an object of the JSON output."""
    return asdict(view) | {
        "latency": Duration(round(view.latency, 3)),
        "next_due_at": format_time(view.next_due_at),
        "seen_at": format_time(view.seen_at),
    }


def job_row(view: JobView) -> dict[str, Any]:
    """Returns a job as a row of the table, and as an object of the JSON output."""
    return {
        "id": view.id,
        "class": view.name,
        "queue": view.queue,
        "args": view.shown_args,
        "kwargs": view.shown_kwargs,
        "tags": list(view.tags),
        "priority": view.priority,
        "state": view.state,
        "attempt": view.attempt,
        "enqueued_at": format_time(view.enqueued_at),
        "due": format_time(view.at),
    }
