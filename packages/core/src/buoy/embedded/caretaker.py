"""The caretaker: the process that starts an embedded server, stops it after its last user, and ends
when the server ends.

``embedded.join`` starts it with the locked file ``server.lock`` as standard input, and reads its
output until the caretaker closes that.
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
"""Seconds in which a server must start. Loading a lot of data takes long."""


def main(folder: Path) -> None:
    """Run the folder's server until it has no users, in a forked process that has no parent."""
    if os.fork():
        os._exit(0)
    os.umask(0o077)
    os.chdir(folder)
    # The process that has started this one may have blocked signals.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGTERM, end)
    server = Server(folder, appendonly=True)
    try:
        server.start(LOADING_SECONDS)
        with findable(server):
            report_ready()
            threading.Thread(target=end_after_users, args=[folder], daemon=True).start()
            server.wait()
    except ServerError as error:
        sys.exit(str(error))
    finally:
        server.stop()


def end(*_: object) -> None:
    """Handles TERM: leaves main, which stops the server. A second TERM is ignored."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit()


@contextmanager
def findable(server: Server) -> Iterator[None]:
    """Keep a link to the socket in the folder within the block, if the socket is elsewhere because
    its path would be too long."""
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


def report_ready() -> None:
    """Write that the server answers, then close the output: the starter reads up to its end."""
    print(READY, flush=True)  # noqa: T201 - the starter reads it
    silence = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(silence, descriptor)


def end_after_users(folder: Path) -> None:
    """Wait until nobody uses the server, then end this process. A process that joins meanwhile
    waits until this one is gone."""
    with (folder / USERS).open("r+b") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        threading.Event().wait()  # closing the file would release the lock


if __name__ == "__main__":
    main(Path(sys.argv[1]))
