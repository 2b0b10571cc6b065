"""``buoy worker``."""

import sys

import click

from ..errors import ConfigurationError
from ..executor import Executor
from ..job import Job
from ..logs import configure
from .options import app_option, quiet_option, verbose_option

SLOTS = {"fork": 1, "inline": 1, "thread": 10, "async": 10}


@click.command()
@app_option(required=True)
@click.option(
    "-q",
    "--queues",
    required=True,
    help="Queues in order of priority; globs and negation: purchasing,mail*,!mail_bulk. Or with "
    "weights, each queue its share: mail:5,admin:1.",
)
@click.option(
    "--executor",
    type=click.Choice(list(SLOTS)),
    default="fork",
    show_default=True,
    help="fork: each job in a process of its own. inline: in the worker's own, many short ones "
    "at a time. thread, async: for jobs that mostly wait for others.",
)
@click.option(
    "-c",
    "--slots",
    type=click.IntRange(min=1),
    help="How many jobs run at once.  [default: 1; thread, async: 10]",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many such workers run; those that die are replaced.",
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
    slots: int | None,
    processes: int,
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
    from ..process import follow_supervisor
    from ..queues import QueueList
    from ..supervisor import Supervisor
    from ..worker import Worker

    configure(verbose - quiet)
    serving = QueueList.parse(queues)
    slots = slots or SLOTS[executor]
    if processes > 1:
        command = [sys.executable, "-m", "buoy", *sys.argv[1:], "--processes", "1"]
        raise SystemExit(Supervisor(command, processes, burst=burst).run())
    follow_supervisor()
    running = executor_of(executor, app, slots, verbose - quiet)
    Worker(Job.app.broker, running, serving, grace=grace, burst=burst).run()


def executor_of(name: str, app: list[str], slots: int, verbosity: int) -> Executor:
    match name:
        case "inline":
            from ..executor.inline import Inline

            if slots != 1:
                raise ConfigurationError(f"-c: expected 1 slot with --executor inline, got {slots}")
            return Inline(app)
        case "thread":
            from ..executor.thread import Thread

            return Thread(app, slots)
        case "async":
            from ..executor.async_ import Async

            return Async(app, slots)
        case _:
            from ..executor.fork import Fork

            return Fork(app, slots, verbosity)
