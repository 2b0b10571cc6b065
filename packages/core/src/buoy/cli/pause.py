"""``buoy pause`` and ``buoy resume``: everything."""

import click

from ..jobs.job import Job
from .output import format_time, print_line
from .table import YELLOW


@click.command()
def pause() -> None:
    """Pause everything: no worker takes jobs, also none that starts later.

    Workers see it within a second or so. Running jobs continue; enqueueing and the scheduler
    continue, too. To pause one queue: buoy queues pause QUEUE.
    """
    if Job.app.control.pause_all():
        print_line("everything is paused; jobs are still enqueued, also by the scheduler")
    else:
        print_line("everything was paused already")


@click.command()
def resume() -> None:
    """End the pause of `buoy pause`. Queues that were paused by name stay paused."""
    resumed = Job.app.control.resume_all()
    print_line("everything is resumed" if resumed else "nothing was paused by buoy pause")


def report_pause() -> None:
    """Print to standard error that everything is paused, if it is."""
    since = Job.app.monitor.paused_since()
    if since is not None:
        ends = "no worker takes jobs; to go on: buoy resume"
        print_line(
            f"everything is paused since {format_time(since)}: {ends}", err=True, style=YELLOW
        )
