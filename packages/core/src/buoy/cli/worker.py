"""``buoy worker``."""

import click

from ..errors import ConfigurationError
from ..job import Job
from ..logs import configure
from .options import app_option, quiet_option, verbose_option


@click.command()
@app_option(required=True)
@click.option(
    "-q",
    "--queues",
    required=True,
    help="Queues in order of priority; globs and negation: purchasing,mail*,!mail_bulk.",
)
@click.option(
    "--executor",
    type=click.Choice(["fork", "inline"]),
    default="fork",
    show_default=True,
    help="fork: each job in a process of its own. inline: in the worker's own, many short ones "
    "at a time.",
)
@click.option(
    "-c",
    "--slots",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many jobs run at once (fork).",
)
@click.option("--burst", is_flag=True, help="End when nothing is ready and nothing runs.")
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=25.0,
    show_default=True,
    help="Seconds that running jobs get after TERM before they are put back.",
)
@verbose_option
@quiet_option
def worker(
    app: list[str],
    queues: str,
    executor: str,
    slots: int,
    burst: bool,
    grace: float,
    verbose: bool,
    quiet: bool,
) -> None:
    """Take jobs from queues and run them.

    TERM, INT: take nothing new, give running jobs the grace time, then put them back. QUIT: let
    running jobs end, however long it takes. USR1: kill the running jobs, go on. USR2: pause.
    CONT: go on.
    """
    from ..executor.fork import Fork
    from ..executor.inline import Inline
    from ..queues import QueueList
    from ..worker import Worker

    verbosity = verbose - quiet
    configure(verbosity)
    serving = QueueList.parse(queues)
    if executor == "inline" and slots != 1:
        raise ConfigurationError(f"-c: expected 1 slot with --executor inline, got {slots}")
    running = Inline(app) if executor == "inline" else Fork(app, slots, verbosity)
    Worker(Job.app.broker, running, serving, grace=grace, burst=burst).run()
