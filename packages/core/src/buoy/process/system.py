"""Processes and the operating system: signals to others, children, sessions, memory."""

import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ConfigurationError

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

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


KILL = int(getattr(signal, "SIGKILL", 9))
"""Also where a system has no such signal: there this module is loaded, too."""


def die_with_parent(parent: int, how: int = KILL) -> None:
    """Have Linux send this process the signal ``how`` when its parent dies, however it dies.

    Ends this process with exit code 1 if ``parent`` is no longer its parent. On other systems a
    process notices the death only when it reads from a pipe or socket of its parent.
    """
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, how, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of all descendants whose own parent dies. Does nothing where the system
    cannot do this (it is not Linux)."""
    if prctl is not None:
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reset_in_forks(signals: Collection[int], handling: list[Any]) -> None:
    """Give these signals their default handlers in each process that this one forks from now on.

    Only while the list holds something; the forked process clears its own list. A signal that comes
    during the fork is delivered after it.
    """

    def block() -> None:
        if handling:
            signal.pthread_sigmask(signal.SIG_BLOCK, signals)

    def unblock() -> None:
        if handling:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)

    def reset() -> None:
        if handling:
            signal.set_wakeup_fd(-1)
            reset_handlers(signals)
            unblock()
            handling.clear()

    os.register_at_fork(before=block, after_in_child=reset, after_in_parent=unblock)


def reset_handlers(signals: Collection[int]) -> None:
    """Give these signals Python's default handlers. Ignored signals stay ignored."""
    for number in signals:
        usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        if callable(signal.getsignal(number)):  # else it is the default, or ignored, as under nohup
            signal.signal(number, usual)


def flush_outputs() -> None:
    """Flush standard output and standard error; never raises, whatever the app has put there."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(BaseException):
            stream.flush()


def is_supervised() -> bool:
    """Whether a supervisor has started this process, which is not attached to it yet."""
    return "BUOY_SUPERVISOR" in os.environ


def attach_to_supervisor() -> int | None:
    """Have this worker get a TERM when its supervisor dies.

    Returns the file into which the worker writes a byte when it begins to serve; None when there is
    no supervisor.
    """
    supervisor = os.environ.pop("BUOY_SUPERVISOR", None)
    if supervisor is None:
        return None
    parent, file = map(int, supervisor.split())
    die_with_parent(parent, signal.SIGTERM)
    os.set_inheritable(file, False)
    return file


@contextmanager
def pid_file(path: Path | None) -> Iterator[None]:
    """Keep the process id in this file within the block. Does nothing without a path, or under a
    supervisor, whose own id is in the file.

    Raises ConfigurationError when the file cannot be written.
    """
    if path is None or is_supervised():
        yield
        return
    try:
        path.write_bytes(pid_line())
    except OSError as error:
        wanted = "--pidfile: expected a file that can be written"
        raise ConfigurationError(f"{wanted}, got {path}: {error.strerror}") from error
    try:
        yield
    finally:
        remove_pid_file(path)


def remove_pid_file(path: Path) -> None:
    """Remove this file if the id of this process is in it: a successor that has started meanwhile
    may have written its own one."""
    with suppress(OSError):
        if path.read_bytes() == pid_line():
            path.unlink()


def pid_line() -> bytes:
    return f"{os.getpid()}\n".encode()


def is_running(pid: int) -> bool:
    """Whether there is a process with this id."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # it is that of another user
    return True


def signal_group(pid: int, how: signal.Signals) -> None:
    """Send a signal to a child and all processes of its group; only to the child while it has not
    made its group yet."""
    for send in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            send(pid, how)
            return


def kill_sessions(sessions: Collection[int], within: float = 2.0) -> None:
    """Kill all processes of these sessions, and wait until they are gone, ``within`` seconds at
    most."""
    last = time.monotonic() + within
    while sessions and (left := find_in_sessions(sessions)) and time.monotonic() < last:
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)
    if sys.platform != "linux":
        for session in sessions:
            signal_group(session, signal.SIGKILL)


def kill_children(within: float = 2.0) -> None:
    """Kill the descendants of this process that are in its session, and wait until they are gone,
    ``within`` seconds at most. Those that have made a session of their own live on."""
    end_multiprocessing(within)
    last = time.monotonic() + within
    while (left := descendants(os.getpid())) and time.monotonic() < last:
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def end_multiprocessing(within: float) -> None:
    """Have multiprocessing end its pools, as at Python's end, ``within`` seconds at most.

    A process of a pool that is killed may hold a lock. Python would wait for this lock at its end,
    for ever.
    """
    end = getattr(sys.modules.get("multiprocessing.util"), "_run_finalizers", None)
    if end is None:
        return
    from threading import Thread  # loaded with multiprocessing

    ending = Thread(target=end, args=(0,), daemon=True)
    with suppress(RuntimeError):  # no further thread can be started
        ending.start()
        ending.join(within)


def descendants(pid: int) -> list[int]:
    """The process ids of all living descendants of a process in its session. Empty where there is
    no /proc."""
    home = os.getsid(pid)
    stats = [
        stat for entry in proc_folders() if (stat := read_stat(entry)) and stat.session == home
    ]
    found, parents = [], {pid}
    while parents:
        more = [stat.pid for stat in stats if stat.parent in parents and stat.state not in "ZX"]
        found += more
        parents = set(more)
    return found


def tree_memory(pid: int) -> int:
    """The memory that a process and all its descendants use now, in bytes. Memory that several of
    them share counts for each."""
    stats = [stat for entry in proc_folders() if (stat := read_stat(entry))]
    total, parents = 0, {pid}
    while parents:
        total += sum(map(resident_memory, parents))
        parents = {stat.pid for stat in stats if stat.parent in parents}
    return total


def find_in_sessions(sessions: Collection[int]) -> list[int]:
    """The process ids of all living processes in these sessions. Empty where there is no /proc."""
    stats = [stat for entry in proc_folders() if (stat := read_stat(entry))]
    return [stat.pid for stat in stats if stat.session in sessions and stat.state not in "ZX"]


class Stat(NamedTuple):
    """Facts about a process, from /proc/PID/stat."""

    pid: int
    state: str
    parent: int
    session: int


def proc_folders() -> Iterator[Path]:
    """The folder of each process in /proc; none where there is no /proc."""
    return Path("/proc").glob("[1-9]*") if sys.platform == "linux" else iter(())


def read_stat(entry: Path) -> Stat | None:
    """The facts in a folder of /proc. Returns None when the process is gone."""
    try:
        fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
        return Stat(int(entry.name), fields[0].decode(), int(fields[1]), int(fields[3]))
    except (OSError, IndexError):  # it has just gone
        return None


def exit_cause(status: int) -> str:
    """How a process has ended, by its wait status: by an exit code, or by a signal."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"exit {code} without a result"
    try:
        return f"signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"signal {-code}"


def resident_memory(pid: int) -> int:
    """The memory that a process uses now, in bytes. Returns 0 when it is gone, or the system does
    not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return resident_memory_by_ps(pid) if sys.platform == "darwin" else 0


def resident_memory_by_ps(pid: int) -> int:
    import subprocess  # processes on Linux never need it

    output = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=False)
    return int(output.stdout.strip() or 0) * 1024
