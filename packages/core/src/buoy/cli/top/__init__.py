"""``buoy top``: queues, workers and failures, live. Only this folder uses textual."""

import sys
from importlib.util import find_spec

import click

from ...jobs.job import Job
from ..params import SECONDS
from ..terminal import is_terminal

INTERVAL = 2.0


@click.command()
@click.option(
    "--interval",
    type=SECONDS,
    default=INTERVAL,
    show_default=True,
    help="Seconds between two readings of Redis.",
)
def top(interval: float) -> None:
    """Watch queues, workers and failures, and act on them: pause, retry, cancel, stop.

    Press ? for the keys, q to end. It needs the extra: pip install "buoy[tui]".
    """
    if find_spec("textual") is None:
        raise click.ClickException(
            "buoy top: expected the package textual, but it is not installed: "
            'pip install "buoy[tui]"'
        )
    if not (is_terminal(sys.stdout) and is_terminal(sys.stdin)):
        raise click.UsageError("expected a terminal; in a pipe, use buoy queues, workers, failed")
    from .screen import Top

    Top(Job.app, max(interval, 0.2)).run()
