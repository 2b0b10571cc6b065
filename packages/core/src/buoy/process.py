"""What a process of buoy says to the operating system."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import ConfigurationError

PR_SET_PDEATHSIG = 1

prctl: Callable[..., int] | None
try:
    from ctypes import CDLL

    prctl = CDLL(None).prctl
except (
    ImportError,
    OSError,
    AttributeError,
    TypeError,
):  # not Linux, or a Python linked statically
    prctl = None


def die_with(parent: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Be killed, or told to end, when the parent dies, however it dies.

    Linux does that at once; elsewhere the parent's pipe tells, to those who read it.
    """
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, how, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def follow_supervisor() -> int | None:
    """Under a supervisor: stop in order when it dies. Returns the file in which to tell it when
    the work begins."""
    supervisor = os.environ.pop("BUOY_SUPERVISOR", None)
    if supervisor is None:
        return None
    parent, tell = map(int, supervisor.split())
    die_with(parent, signal.SIGTERM)
    os.set_inheritable(tell, False)
    return tell


@contextmanager
def noted_pid(path: Path | None) -> Iterator[None]:
    """Have the id of this process in a file while it works. Under a supervisor: that does it."""
    if path is None or "BUOY_SUPERVISOR" in os.environ:
        yield
        return
    note = f"{os.getpid()}\n".encode()
    try:
        path.write_bytes(note)
    except OSError as error:
        wanted = "--pidfile: expected a file that can be written"
        raise ConfigurationError(f"{wanted}, got {path}: {error.strerror}") from error
    try:
        yield
    finally:
        # A successor that has begun meanwhile may have noted its own.
        with suppress(OSError):
            if path.read_bytes() == note:
                path.unlink()


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


def memory_of(pid: int) -> int:
    """The memory that a process holds now, in bytes; 0 when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return memory_by_ps(pid) if sys.platform == "darwin" else 0


def memory_by_ps(pid: int) -> int:
    import subprocess  # where /proc is, the lean processes do without it

    said = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=False)
    return int(said.stdout.strip() or 0) * 1024
