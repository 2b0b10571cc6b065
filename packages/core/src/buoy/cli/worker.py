"""``buoy worker``."""

import logging
import os
import sys
import threading
from functools import partial
from pathlib import Path
from typing import NoReturn

import click

from ..errors import ConfigurationError
from ..executor import Executor
from ..loading.served_app import WantedApp
from ..process.logs import configure
from .options import (
    app_option,
    check_option,
    chosen_app,
    log_format_option,
    quiet_option,
    read_pid,
    require_unix,
    verbose_option,
)
from .output import exit_unless, print_line
from .params import SECONDS, TEXT, Choice, File, WholeNumber
from .program import program
from .setting import ListSetting, setting_option

SLOTS = {"fork": 1, "inline": 1, "thread": 10, "async": 10}
ALL_QUEUES = "*:1"
"""All queues, each with an equal share: with ``*`` alone the first by name would go first."""


queues_option = setting_option(
    "-q",
    "--queues",
    cls=ListSetting,
    type=TEXT,
    default=ALL_QUEUES,
    show_default="all, each with its share",
    help="Queues in order of priority; globs and negation: purchasing,mail*,!mail_bulk. Or with "
    "weights, each queue its share: mail:5,admin:1.",
)

executor_option = setting_option(
    "--executor",
    type=Choice(list(SLOTS)),
    default="fork",
    show_default=True,
    help="fork: each job in a process of its own. inline: in the worker's own, many short ones "
    "at a time. thread, async: for jobs that mostly wait for other systems.",
)

concurrency_option = setting_option(
    "-c",
    "--concurrency",
    type=WholeNumber(min=1),
    show_default="1; thread, async: 10",
    help="How many jobs run at once.",
)


@click.command()
@app_option(required=True)
@queues_option
@executor_option
@concurrency_option
@setting_option(
    "--processes",
    type=WholeNumber(min=1),
    default=1,
    show_default=True,
    help="How many workers run, under one supervisor, which replaces those that die.",
)
@click.option("--burst", is_flag=True, help="End when no job is due and none runs.")
@setting_option(
    "--grace",
    type=SECONDS,
    default=25.0,
    show_default=True,
    help="Seconds that running jobs have to end after TERM; then they are released.",
)
@click.option(
    "--pidfile",
    type=File(path_type=Path),
    help="A file into which to write the id of this process; it is removed at the end. With "
    "--check: the file of the worker to check.",
)
@setting_option(
    "--max-jobs",
    type=WholeNumber(min=1),
    help="End after this many jobs; a supervisor or process monitor starts another worker.",
)
@setting_option(
    "--max-memory",
    type=WholeNumber(min=1),
    metavar="MIB",
    help="End when the worker itself uses this much memory, as with --max-jobs (inline, thread, "
    "async).",
)
@click.option(
    "--reload",
    is_flag=True,
    help="For development: start again when a .py file changes. Running jobs end first.",
)
@check_option
@verbose_option
@quiet_option
@log_format_option
def worker(
    app: list[str],
    queues: str,
    executor: str,
    concurrency: int | None,
    processes: int,
    burst: bool,
    grace: float,
    max_jobs: int | None,
    max_memory: int | None,
    pidfile: Path | None,
    reload: bool,
    check: bool,
    verbose: bool,
    quiet: bool,
) -> None:
    """Take jobs from queues and run them.

    Signals. TERM, INT, HUP: take no new jobs, wait for running jobs within the grace time, release
    the rest, and end. QUIT: take no new jobs, wait for running jobs without a limit, and end. USR1:
    kill the running jobs. USR2: pause. CONT: end the pause.
    """
    if check:
        report_liveness(pidfile)
        return
    require_unix()
    from ..broker.broker import Broker
    from ..model.queue_list import QueueList
    from ..process.system import attach_to_supervisor, is_supervised, pid_file
    from ..worker.recycling import RecycleLimits
    from ..worker.supervisor import RECYCLE_EXIT, Supervisor
    from ..worker.worker import Worker

    configure(verbose - quiet)
    serving = QueueList.parse(queues)
    click.get_current_context().find_root().with_resource(pid_file(pidfile))
    if reload and not is_supervised():
        raise SystemExit(run_reloader())
    slots = concurrency or SLOTS[executor]
    if processes > 1 or os.getpid() == 1:  # the first process of a container must reap orphans
        if (reloader := attach_to_supervisor()) is not None:
            os.close(reloader)
        raise SystemExit(Supervisor(own_command("--processes", "1"), processes).run())
    supervisor = attach_to_supervisor()
    running = make_executor(executor, app, slots, chosen_app(), verbose - quiet)
    broker = Broker(running.start())
    one = Worker(
        broker,
        running,
        serving,
        grace=grace,
        burst=burst,
        recycle_limits=RecycleLimits(max_jobs, None if max_memory is None else max_memory << 20),
        supervisor=supervisor,
        leave=partial(leave_at_once, pidfile),
    )
    one.run()
    is_finished = burst or one.lifecycle.told_to_stop
    leave(RECYCLE_EXIT if supervisor is not None and not is_finished else 0)


def own_command(*options: str) -> list[str]:
    """Returns the command line of this process, with further options."""
    this = program()
    return [*this.command, *this.arguments, *options]


def run_reloader() -> int:
    """Run this command again and again; returns the exit code."""
    from ..worker.reloader import Program, Reloader, start_supervised

    return Reloader([Program("worker", own_command())], start_supervised).run()


def report_liveness(pidfile: Path | None) -> None:
    """Print whether a worker of this host sends heartbeats; ends with 1 if none does."""
    from ..jobs.job import Job
    from ..operations.liveness import probe_workers

    answer = probe_workers(Job.app.broker, read_pid(pidfile))
    print_line(answer.text)
    exit_unless(answer.alive)


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


def leave_at_once(pidfile: Path | None, code: int) -> NoReturn:
    """Exit with this code while the main thread is in a job, which does not end."""
    from ..process.system import remove_pid_file

    if pidfile is not None:
        remove_pid_file(pidfile)
    os._exit(code)


def make_executor(
    name: str, app: list[str], slots: int, wanted: WantedApp, verbosity: int
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
