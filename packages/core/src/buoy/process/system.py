"""What a process of buoy says to the operating system."""

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


def die_with(parent: int, how: int = signal.SIGKILL) -> None:
    """Be killed, or told to end, when the parent dies, however it dies.

    Linux does that at once; elsewhere the parent's pipe tells, to those who read it.
    """
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, how, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Be the parent of all descendants whose own has died, where Linux gives them to us."""
    if prctl is not None:
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def default_in_forks(signals: Collection[int], handling: list[Any]) -> None:
    """Have these signals do by default, in what this process forks from now on, while anything is
    in the list. One that comes during the fork is kept for after it."""

    def hold() -> None:
        if handling:
            signal.pthread_sigmask(signal.SIG_BLOCK, signals)

    def let_go() -> None:
        if handling:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)

    def forget() -> None:
        if handling:
            signal.set_wakeup_fd(-1)
            do_by_default(signals)
            let_go()
            handling.clear()

    os.register_at_fork(before=hold, after_in_child=forget, after_in_parent=let_go)


def do_by_default(signals: Collection[int]) -> None:
    for number in signals:
        usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        if callable(signal.getsignal(number)):  # else it is ignored, as under nohup
            signal.signal(number, usual)


def flush_outputs() -> None:
    """Write out what is in the buffers, whatever they are by now."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(BaseException):
            stream.flush()


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


def end_sessions(sessions: Collection[int], within: float = 2.0) -> None:
    """Kill all processes of these sessions, and wait until they are gone: so long at most."""
    last = time.monotonic() + within
    while sessions and (left := living_in(sessions)) and time.monotonic() < last:
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)
    if sys.platform != "linux":
        for session in sessions:
            kill_tree(session, signal.SIGKILL)


def end_children(within: float = 2.0) -> None:
    """Kill what this process has started, in its own session; what has gone into another lives."""
    end_pools(within)
    last = time.monotonic() + within
    while (left := descendants(os.getpid())) and time.monotonic() < last:
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def end_pools(within: float) -> None:
    """Have multiprocessing end what it does at Python's end. A process of a pool that is killed
    before may hold a lock for which Python would then wait for ever."""
    end = getattr(sys.modules.get("multiprocessing.util"), "_run_finalizers", None)
    if end is None:
        return
    from threading import Thread  # loaded with multiprocessing

    ending = Thread(target=end, args=(0,), daemon=True)
    with suppress(RuntimeError):  # no more threads can be started
        ending.start()
        ending.join(within)


def descendants(pid: int) -> list[int]:
    """The children of a process that live in its session, and theirs, as far as /proc tells."""
    home = os.getsid(pid)
    stats = [stat for entry in processes() if (stat := stat_of(entry)) and stat.session == home]
    found, parents = [], {pid}
    while parents:
        more = [stat.pid for stat in stats if stat.parent in parents and stat.state not in "ZX"]
        found += more
        parents = set(more)
    return found


def living_in(sessions: Collection[int]) -> list[int]:
    """The processes of these sessions, as far as /proc tells."""
    stats = [stat for entry in processes() if (stat := stat_of(entry))]
    return [stat.pid for stat in stats if stat.session in sessions and stat.state not in "ZX"]


class Stat(NamedTuple):
    """A process, as /proc tells."""

    pid: int
    state: str
    parent: int
    session: int


def processes() -> Iterator[Path]:
    return Path("/proc").glob("[1-9]*") if sys.platform == "linux" else iter(())


def stat_of(entry: Path) -> Stat | None:
    try:
        fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
        return Stat(int(entry.name), fields[0].decode(), int(fields[1]), int(fields[3]))
    except (OSError, IndexError):  # it has just gone
        return None


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
