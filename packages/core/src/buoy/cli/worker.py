"""``buoy worker``."""

import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

import click

from ..errors import ConfigurationError
from ..executor import Executor
from ..loading.served_app import Wanted
from ..process.logs import configure
from .options import (
    app_option,
    log_format_option,
    quiet_option,
    require_unix,
    verbose_option,
    wanted_app,
)
from .params import SECONDS, TEXT, File

SLOTS = {"fork": 1, "inline": 1, "thread": 10, "async": 10}


@click.command()
@app_option(required=True)
@click.option(
    "-q",
    "--queues",
    type=TEXT,
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
    help="How many such workers run, under one supervisor: those that die are replaced.",
)
@click.option("--burst", is_flag=True, help="End when nothing is ready and nothing runs.")
@click.option(
    "--grace",
    type=SECONDS,
    default=25.0,
    show_default=True,
    help="Seconds that running jobs get after TERM before they are put back.",
)
@click.option(
    "--pidfile",
    type=File(path_type=Path),
    help="A file for the id of this process, for a process monitor; removed at the end.",
)
@click.option(
    "--max-jobs",
    type=click.IntRange(min=1),
    help="End after so many jobs; a supervisor or process monitor starts another.",
)
@click.option(
    "--max-memory",
    type=click.IntRange(min=1),
    metavar="MIB",
    help="The same, when the worker itself holds so much memory (inline, thread, async).",
)
@verbose_option
@quiet_option
@log_format_option
def worker(
    app: list[str],
    queues: str,
    executor: str,
    slots: int | None,
    processes: int,
    burst: bool,
    grace: float,
    max_jobs: int | None,
    max_memory: int | None,
    pidfile: Path | None,
    verbose: bool,
    quiet: bool,
) -> None:
    """Take jobs from queues and run them.

    TERM, INT, HUP: take nothing new, give running jobs the grace time, then put them back. QUIT:
    let running jobs end, however long it takes. USR1: kill the running jobs, go on. USR2: pause.
    CONT: go on.
    """
    require_unix()
    from ..broker.broker import Broker
    from ..process.system import attach_to_supervisor, pid_file
    from ..worker.queue_list import QueueList
    from ..worker.recycling import RecycleLimits
    from ..worker.supervisor import RECYCLE_EXIT, Supervisor
    from ..worker.worker import Worker

    configure(verbose - quiet)
    serving = QueueList.parse(queues)
    click.get_current_context().find_root().with_resource(pid_file(pidfile))
    slots = slots or SLOTS[executor]
    if processes > 1 or os.getpid() == 1:  # the first process must also bury orphans
        command = [sys.executable, "-m", "buoy", *sys.argv[1:], "--processes", "1"]
        raise SystemExit(Supervisor(command, processes).run())
    supervisor = attach_to_supervisor()
    running = make_executor(executor, app, slots, wanted_app(), verbose - quiet)
    broker = Broker(running.start())
    recycle = RecycleLimits(max_jobs, None if max_memory is None else max_memory << 20)
    limits: dict[str, Any] = {
        "grace": grace,
        "burst": burst,
        "recycle_limits": recycle,
        "leave": os._exit,
    }
    one = Worker(broker, running, serving, **limits, supervisor=supervisor)
    one.run()
    leave(
        RECYCLE_EXIT if supervisor is not None and not (burst or one.lifecycle.told_to_stop) else 0
    )


def leave(code: int) -> NoReturn:
    """Exit with this code, without waiting for threads that jobs have left behind: no job is in
    flight. Such a thread may have started processes, as that of a multiprocessing.Pool does; they
    are killed."""
    if all(thread.daemon or thread is threading.main_thread() for thread in threading.enumerate()):
        raise SystemExit(code)
    click.get_current_context().find_root().close()
    from ..process.system import kill_children

    logging.shutdown()
    sys.stdout.flush()
    kill_children()
    os._exit(code)


def make_executor(
    name: str, app: list[str], slots: int, wanted: Wanted, verbosity: int
) -> Executor:
    """The executor of this name, not yet started. Raises ConfigurationError when it cannot have so
    many slots."""
    match name:
        case "inline":
            from ..executor.inline import Inline

            if slots != 1:
                raise ConfigurationError(f"-c: expected 1 slot with --executor inline, got {slots}")
            return Inline(app, wanted)
        case "thread":
            from ..executor.thread import Thread

            return Thread(app, slots, wanted)
        case "async":
            from ..executor.async_ import Async

            return Async(app, slots, wanted)
        case _:
            from ..executor.fork.executor import Fork

            return Fork(app, slots, wanted, verbosity)
