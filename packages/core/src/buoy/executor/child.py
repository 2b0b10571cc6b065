"""The child: one process for one job, from the fork to the answer."""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from ..errors import DirtyExit, JobTimeout, Terminated
from ..process import die_with
from ..reservation import Reservation, Settlement
from ..run import run, settle_death
from ..titles import show_job
from .frames import frame

FOR_JOBS = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
DEAF_TO = (signal.SIGTERM, *FOR_JOBS)
"""Signals that the nursery leaves to its worker; for a job they are what they always are, but for
TERM."""

Answer = dict[str, Any]
RELEASE: Answer = {"act": "release"}


def be_child(
    held: Reservation,
    death: DirtyExit | None,
    pipe: int,
    parent: int,
    timeout: float | None,
    meant: Callable[[], bool],
    hooks: Any,
) -> NoReturn:
    """Run the job, or decide about its death; answer through the pipe; end.

    ``meant`` tells whether a TERM comes from the nursery: what a service manager sends to all
    processes at once is for the worker alone.
    """
    code, me = 1, os.getpid()
    try:
        os.setsid()
        show_job(held)
        die_with(parent)
        signal.set_wakeup_fd(-1)
        for number in (*FOR_JOBS, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, ender(timeout, meant))
        settlement = settled(held, death, hooks)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.getpid() == me:  # a job may have forked, and both come back
            send(pipe, answer_of(settlement) | {"redis": "redis" in sys.modules})
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may leave a child but its answer
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def settled(held: Reservation, death: DirtyExit | None, hooks: Any) -> Settlement:
    if death is not None:
        return settle_death(held, death)
    try:
        hooks.after_fork()
    except Exception as error:  # noqa: BLE001 - the app's own code; its job cannot run now
        return settle_death(held, error)
    return run(held)


def ender(timeout: float | None, meant: Callable[[], bool]) -> Callable[..., None]:
    """What a TERM does: it raises an error inside the job, which can so end in order."""
    started = time.monotonic()

    def end(*_: object) -> None:
        if not meant():
            return
        if timeout is not None and time.monotonic() - started >= timeout - 0.05:
            raise JobTimeout(f"the job ran longer than its timeout of {timeout:g} s: ended by TERM")
        raise Terminated("the worker stops, and the job had not ended within its grace time")

    return end


def answer_of(settlement: Settlement) -> Answer:
    return {
        "act": settlement.act,
        "payload": settlement.payload,
        "wait": settlement.wait,
        "commands": settlement.commands,
    }


def send(pipe: int, answer: Answer) -> None:
    data = memoryview(frame(answer))
    while data:
        data = data[os.write(pipe, data) :]
