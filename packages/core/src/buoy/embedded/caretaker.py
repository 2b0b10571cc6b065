"""The caretaker of an embedded server: starts it, stops it after its last user, ends with it.

``buoy.embedded`` starts it with the lock ``server.lock`` as standard input, and reads what it says
until it is silent.
"""

import fcntl
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .join import READY, SOCKET, USERS
from .server import Server, ServerError

LOADING_SECONDS = 300.0
"""Reading much data in takes its time; the server is not given up meanwhile."""


def main(folder: Path) -> None:
    """Serve the folder, in a process that is nobody's child."""
    if os.fork():
        os._exit(0)
    os.umask(0o077)
    os.chdir(folder)
    # What the starter had blocked or ignored does not concern us.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGTERM, end)
    server = Server(folder, appendonly=True)
    try:
        server.start(LOADING_SECONDS)
        with findable(server):
            report()
            threading.Thread(target=end_after_users, args=[folder], daemon=True).start()
            server.wait()
    except ServerError as error:
        sys.exit(str(error))
    finally:
        server.stop()


def end(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit()


@contextmanager
def findable(server: Server) -> Iterator[None]:
    """While a socket is elsewhere, because its path would be too long, a link in the folder tells
    where."""
    link = server.folder / SOCKET
    if server.socket == link:
        yield
        return
    link.unlink(missing_ok=True)
    link.symlink_to(server.socket)
    try:
        yield
    finally:
        link.unlink(missing_ok=True)


def report() -> None:
    """Say that the server answers, and nothing more from now on."""
    print(READY, flush=True)  # noqa: T201 - the starter reads it
    silence = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(silence, descriptor)


def end_after_users(folder: Path) -> None:
    """Wait until nobody uses the server. From then on newcomers wait until this process is gone."""
    with (folder / USERS).open("r+b") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        threading.Event().wait()  # closing the file would let them in


if __name__ == "__main__":
    main(Path(sys.argv[1]))
