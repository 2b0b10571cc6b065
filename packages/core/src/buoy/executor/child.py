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

from ..errors import DirtyExit, JobTimeout, Terminated
from ..facts import Bearer, Facts
from ..logs import DEBUG, heard
from ..payload import Payload
from ..process import die_with
from ..reservation import Reservation, Settlement
from ..run import LOG, run_loaded, settle_death
from ..titles import show_job
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

Answer = dict[str, Any]
RELEASE: Answer = {"act": "release"}
DONE = frame({"act": "done"})
"""What most jobs answer; made once."""


def be_child(
    held: Reservation,
    job: Facts,
    death: DirtyExit | None,
    pipe: int,
    parent: int,
    board: mmap,
    place: int,
    after_fork: Callable[[], object] | None,
) -> NoReturn:
    """Run the job, or decide about its death; answer through the pipe; end.

    The byte at its place on the board tells whether a TERM comes from the nursery: what a service
    manager sends to all processes at once is for the worker alone.
    """
    code, me = 1, os.getpid()
    try:
        os.setsid()
        show_job(held, job)
        die_with(parent)
        signal.set_wakeup_fd(-1)
        for number in RESET:
            set_signal(number, DEFAULT)
        set_signal(TERM, ender(job.timeout, board, place))
        settlement = settled(held, job, death, after_fork)
        set_signal(TERM, IGNORED)
        if os.getpid() == me:  # a job may have forked, and both come back
            send(pipe, said(settlement))
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may leave a child but its answer
        sys.excepthook(*sys.exc_info())
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


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
        said(settled(held, job, None, None))


class Rehearsed(Bearer):
    """A job that does nothing, and that no one can enqueue."""

    queue, timeout = "", None

    @classmethod
    def hooks(cls) -> None:
        """It has no plugins."""

    def perform(self) -> None: ...


def settled(
    held: Reservation,
    job: Facts,
    death: DirtyExit | None,
    after_fork: Callable[[], object] | None,
) -> Settlement:
    if death is not None:
        return settle_death(held, job, death)
    if after_fork is not None:
        try:
            after_fork()
        except Exception as error:  # noqa: BLE001 - the app's own code; its job cannot run now
            return settle_death(held, job, error)
    return run_loaded(held, job)


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


def said(settlement: Settlement) -> bytes:
    """The answer as the nursery reads it."""
    loaded_redis = "redis" in sys.modules
    if settlement.plain and not loaded_redis:
        return DONE
    return frame(answer_of(settlement) | {"redis": loaded_redis})


def answer_of(settlement: Settlement) -> Answer:
    return {
        "act": settlement.act,
        "payload": settlement.payload,
        "wait": settlement.wait,
        "commands": settlement.commands,
    }


def send(pipe: int, data: bytes) -> None:
    while data:
        data = data[os.write(pipe, data) :]
