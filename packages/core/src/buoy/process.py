"""What a process of buoy says to the operating system."""

import ctypes
import os
import signal
import sys
from contextlib import suppress

PR_SET_PDEATHSIG = 1
prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def die_with(parent: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Be killed, or told to end, when the parent dies, however it dies.

    Linux does that at once; elsewhere the parent's pipe tells, to those who read it.
    """
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, how, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def follow_supervisor() -> None:
    """Under a supervisor: stop in order when it dies."""
    supervisor = os.environ.pop("BUOY_SUPERVISOR", None)
    if supervisor is not None:
        die_with(int(supervisor), signal.SIGTERM)


def kill_tree(pid: int, how: signal.Signals) -> None:
    """Signal a child and its group, once; it may not have made that group yet."""
    for send in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            send(pid, how)
            return


def cause_of(status: int) -> str:
    """What a wait status says of the end of a process."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"exit {code} without a result"
    try:
        return f"signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"signal {-code}"
