"""The child: one process for one job, from the fork to the answer.

Each page of memory that a child touches is copied for it, and that is most of what a job costs
here. So the way through this file is short: the job comes decoded, and has a word for "done".
"""

import _signal  # type: ignore[import-not-found]  # see set_signal
import os
import signal
import sys
import time
from collections.abc import Callable
from mmap import mmap
from typing import Any, NoReturn

from ...errors import JobTimeout, Terminated
from ...jobs.facts import Bearer, Facts
from ...jobs.run import LOG, run_loaded, settle_death, settle_plainly
from ...model.payload import Payload
from ...model.reservation import Reservation, Settlement
from ...process.logs import DEBUG, heard
from ...process.system import default_in_forks, die_with
from ...process.titles import show
from .answers import answer_of
from .board import Board
from .child_state import MARK
from .frames import frame

FOR_JOBS = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
DEAF_TO = (signal.SIGTERM, *FOR_JOBS)
"""Signals that the nursery leaves to its worker; for a job they are what they always are, but for
TERM."""
RESET = tuple(int(number) for number in (*FOR_JOBS, signal.SIGCHLD))
TERM, DEFAULT, IGNORED = int(signal.SIGTERM), int(signal.SIG_DFL), int(signal.SIG_IGN)

set_signal: Callable[[int, Any], object] = _signal.signal
"""Without the wrapper of the signal module, which makes an enum of what there was: 80 pages."""

REHEARSALS = 100
"""After so many rounds Python has noted what it ever will."""

DONE = MARK + frame({"act": "done"})
"""What most jobs answer; made once."""

# What a child does: run a job, or settle it for an error; without a job if it has none. And the
# way of its answer: the file to write to, the other end in the nursery, what both of them are. No
# named tuples: those cost each child ten pages.
Task = tuple[Reservation, Facts | None, BaseException | None, float | None]
Pipe = tuple[int, int, tuple[int, int]]


def be_child(
    task: Task,
    pipe: Pipe,
    parent: int,
    channel: int,
    board: Board,
    place: int,
    after_fork: Callable[[], object] | None,
) -> NoReturn:
    """Do the task; answer through the pipe; end.

    The byte at its place on the board tells whether a TERM comes from the nursery: what a service
    manager sends to all processes at once is for the worker alone.
    """
    code = 1
    try:
        try:
            held, job, error, timeout = task
            # What a child leaves behind must not seem to be a nursery that lives.
            os.close(channel)
            os.setsid()
            board.sessions[place] = os.getpid()
            if job is not None:
                show(f"job: {job.payload.name} {held.id} from {held.queue}")
            die_with(parent)
            signal.set_wakeup_fd(-1)
            for number in RESET:
                set_signal(number, DEFAULT)
            set_signal(TERM, ender(timeout, board.memory, place))
            ending.append(True)
            settlement = settled(held, job, error, after_fork)
            set_signal(TERM, IGNORED)
            send(pipe, parent, said(held, settlement))
            code = 0
        except BaseException:  # noqa: BLE001 - nothing may leave a child but its answer
            sys.excepthook(*sys.exc_info())
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


ending: list[bool] = []
"""Has something in it in a process that a TERM ends in order; not in what that forks."""
default_in_forks((TERM,), ending)


def rehearse() -> None:
    """Play the way of a job that does nothing, in the parent.

    What Python notes of code that has run often enough, each child would else note for itself, on
    pages that must be copied for that.
    """
    if heard(LOG, DEBUG):  # each job is told of, but this is none
        return
    held = Reservation("", "", "", "")
    job = Facts(Rehearsed, Payload("", [], {}, ""), "")
    for _ in range(REHEARSALS):
        said(held, settled(held, job, None, None))


class Rehearsed(Bearer):
    """A job that does nothing, and that no one can enqueue."""

    queue, timeout, declared = "", None, ()

    def perform(self) -> None: ...


def settled(
    held: Reservation,
    job: Facts | None,
    error: BaseException | None,
    after_fork: Callable[[], object] | None,
) -> Settlement:
    if job is None:
        assert error is not None
        return settle_plainly(held, error)
    if error is None and after_fork is not None:
        try:
            after_fork()
        except BaseException as failed:  # noqa: BLE001 - the app's own code; its job cannot run now
            error = failed
    return run_loaded(held, job) if error is None else settle_death(held, job, error)


def ender(timeout: float | None, board: mmap, place: int) -> Callable[..., None]:
    """What a TERM does: it raises an error inside the job, which can so end in order."""
    started = time.monotonic()

    def end(*_: object) -> None:
        if not board[place]:
            return
        if timeout is not None and time.monotonic() - started >= timeout - 0.05:
            raise JobTimeout(f"the job ran longer than its timeout of {timeout:g} s: ended by TERM")
        told = Terminated("the worker stops, and the job had not ended within its grace time")
        told.by_worker = True
        raise told

    return end


def said(held: Reservation, settlement: Settlement) -> bytes:
    """The answer as the nursery reads it."""
    loaded_redis = "redis" in sys.modules
    if settlement.plain and not loaded_redis:
        return DONE
    try:
        return MARK + frame(answer_of(settlement) | {"redis": loaded_redis})
    except Exception as error:  # noqa: BLE001 - too large, or what a plugin has left in it
        return MARK + frame(answer_of(settle_plainly(held, error)))


def send(pipe: Pipe, parent: int, data: bytes) -> None:
    """Write the answer, also when the job has closed the pipe, or has another file there now."""
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
