"""The child: one process for one job, from the fork to the answer.

The kernel copies each page of memory that a child writes to, and this is most of what a job costs
here. So a child runs little code: the nursery has loaded the job, and the most frequent answer is
made once, before the fork.
"""

import _signal  # type: ignore[import-not-found]  # see set_signal
import os
import signal
import sys
from collections.abc import Callable
from mmap import mmap
from typing import Any, NoReturn

from ...errors import DirtyExit, JobTimeout, Terminated
from ...jobs.current import belong_to
from ...jobs.facts import Bearer, Facts
from ...jobs.relay import WorkerRelay
from ...jobs.run import run_loaded, settle_death, settle_unloaded, settle_without_plugins
from ...jobs.run_events import hooks_of
from ...jobs.run_log import LOG
from ...model.payload import Payload
from ...model.reservation import Reservation, Settlement
from ...process.logs import DEBUG, is_logged
from ...process.system import die_with_parent, reset_in_forks
from ...process.titles import set_title
from .answers import answer_of
from .child_state import MARK
from .frames import frame
from .process_table import TIMED_OUT, ProcessTable

FOR_JOBS = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
IGNORED_BY_NURSERY = (signal.SIGTERM, *FOR_JOBS)
"""Signals that only the worker handles, and the nursery ignores. In a child those of FOR_JOBS do
what they do in any process."""
RESET = tuple(int(number) for number in (*FOR_JOBS, signal.SIGCHLD))
TERM, DEFAULT, IGNORED = int(signal.SIGTERM), int(signal.SIG_DFL), int(signal.SIG_IGN)

set_signal: Callable[[int, Any], object] = _signal.signal
"""Without the wrapper in the signal module, which makes enums of its results: a child would write
to 80 more pages."""

WARM_UP_RUNS = 100
"""Runs after which Python's interpreter has specialized the code, and changes it no further."""

DONE = MARK + frame({"outcome": "done"})
"""The most frequent answer."""

Task = tuple[Reservation, Facts | None, BaseException | None, float | None]
"""What a child does: run this job, or settle it for this error; without a job if that could not be
loaded. Last, its timeout in seconds. No named tuple: that would cost each child ten pages."""
Pipe = tuple[int, int, tuple[int, int]]
"""Where a child writes its answer: the file, its other end in the nursery, and the device and inode
of both."""


def be_child(
    task: Task,
    pipe: Pipe,
    parent: int,
    channel: int,
    table: ProcessTable,
    row: int,
    hooks: WorkerRelay | None,
) -> NoReturn:
    """Do the task in a process that was just forked, write the answer into the pipe, and exit.

    ``parent`` is the process id of the nursery, ``channel`` its socket to the worker, ``row`` the
    row of this process in the table. ``hooks`` calls the hooks of the app; None if it has none for
    children.
    """
    code = 1
    try:
        try:
            reservation, job, error, timeout = task
            # A process that a child leaves behind must not keep the nursery's socket open.
            os.close(channel)
            os.setsid()
            table.sessions[row] = os.getpid()
            if job is not None:
                set_title(f"job: {job.payload.name} {reservation.id} from {reservation.queue}")
            die_with_parent(parent)
            signal.set_wakeup_fd(-1)
            for number in RESET:
                set_signal(number, DEFAULT)
            set_signal(TERM, term_handler(job, timeout, table.memory, row))
            handles_term.append(True)
            settlement = do_task(reservation, job, error, hooks)
            set_signal(TERM, IGNORED)
            send(pipe, parent, encode_answer(reservation, settlement))
            code = 0
            if hooks is not None or (job is not None and job.watched):
                tell_of_exit(job, hooks)
        except BaseException:  # noqa: BLE001 - no exception may leave this function
            sys.excepthook(*sys.exc_info())
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


handles_term: list[bool] = []
"""Holds something in a process whose TERM handler raises an error; empty in what that forks."""
reset_in_forks((TERM,), handles_term)


def warm_up() -> None:
    """Run a job that does nothing, many times, in the nursery; logs nothing.

    Python's interpreter specializes code that runs often, and writes to the code's memory for that.
    Without this, each child would do so, and the kernel would copy these pages for each.
    """
    if is_logged(LOG, DEBUG):  # each run is logged, but these are no jobs
        return
    reservation = Reservation("", "", "", "")
    job = Facts(WarmUp, Payload("", [], {}, ""), "")
    belong_to(job)
    for _ in range(WARM_UP_RUNS):
        encode_answer(reservation, do_task(reservation, job, None, None))


class WarmUp(Bearer):
    """A job that does nothing, and that nobody can enqueue."""

    queue, timeout, tags = "", None, ()
    app, _relay, _codecs = None, (None, None), (None, None)

    def perform(self) -> None: ...


def do_task(
    reservation: Reservation,
    job: Facts | None,
    error: BaseException | None,
    hooks: WorkerRelay | None,
) -> Settlement:
    """Run the job, or settle it for the error. If the app's hook after_fork fails, the job does
    not run, and has failed with the error of the hook."""
    if job is None:
        assert error is not None
        return settle_unloaded(reservation, error, None if hooks is None else hooks.of_jobs)
    if error is None and hooks is not None and hooks.after_fork is not None:
        try:
            hooks.after_fork()
        except BaseException as failed:  # noqa: BLE001 - whatever the app's own code raises
            error = failed
    return run_loaded(reservation, job) if error is None else settle_death(reservation, job, error)


def tell_of_exit(job: Facts | None, hooks: WorkerRelay | None) -> None:
    """Call the hook before_exit: of the app's modules, then of the plugins of the job. The nursery
    kills this process if that takes too long."""
    if hooks is not None and hooks.before_exit is not None:
        hooks.before_exit()
    of_job = hooks_of(job, None if hooks is None else hooks.of_jobs)
    if of_job is not None and of_job.before_exit is not None:
        of_job.before_exit()


def term_handler(
    job: Facts | None, timeout: float | None, flags: mmap, row: int
) -> Callable[..., None]:
    """A handler of TERM that raises JobTimeout or Terminated inside the job, and notes that there.

    It ignores a TERM that the nursery has not announced by the flag in this row: a service manager
    sends TERM to all processes at once, and means the worker. The flag says why, too: the time of a
    job counts from the fork, and a busy machine may begin to run this process much later.
    """

    def end_job(*_: object) -> None:
        if not flags[row]:
            return
        error: DirtyExit
        if flags[row] == TIMED_OUT and timeout is not None:
            error = JobTimeout(
                f"the job ran longer than its timeout of {timeout:g} s: ended by TERM"
            )
        else:
            error = Terminated("the worker stops, and the job had not ended within its grace time")
        if job is not None:
            job.ended_by = error
        raise error

    return end_job


def encode_answer(reservation: Reservation, settlement: Settlement) -> bytes:
    """The answer as the nursery reads it. ``redis`` says whether the job has loaded the client of
    Redis. A settlement that no frame can hold becomes a failure of the job."""
    has_redis = "redis" in sys.modules
    if settlement.plain and not has_redis:
        return DONE
    try:
        return MARK + frame(answer_of(settlement) | {"redis": has_redis})
    except Exception as error:  # noqa: BLE001 - too large, or of objects that a plugin has left
        return MARK + frame(answer_of(settle_without_plugins(reservation, error)))


def send(pipe: Pipe, parent: int, data: bytes) -> None:
    """Write the answer. If the job has closed the pipe, or put another file in its place, open it
    again by the nursery's end of it. Raises OSError where that is impossible."""
    file, reader, this = pipe
    try:
        found = os.fstat(file)
        whole = (found.st_dev, found.st_ino) == this
    except OSError:
        whole = False
    if not whole:
        file = os.open(f"/proc/{parent}/fd/{reader}", os.O_WRONLY)
    while data:
        data = data[os.write(file, data) :]
