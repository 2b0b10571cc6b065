"""``embedded://DIR``: one private server for all processes that name the same folder.

Two locked files in the folder show whether the server runs and who uses it. The kernel releases a
lock when the process that has it ends, however it ends.

- ``users.lock``: each process that has joined has a shared lock as long as it lives. A process that
  gets an exclusive lock knows that nobody uses the server.
- ``server.lock``: the caretaker, which starts the server and ends with it, has an exclusive lock. A
  process that gets this lock knows that no server runs. It starts a caretaker and passes the lock
  on to it.

The folder must be on a local disk: some network file systems do not enforce such locks.
"""

import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from ..text.urls import OddUrl
from .data_version import Version, check_format
from .server import ServerError, answers, find_server, unix_url

try:
    import fcntl
except ImportError:  # on Windows, where programs may enqueue into other servers
    fcntl = None  # type: ignore[assignment]

SCHEME = "embedded://"
SOCKET, USERS, LOCK = "redis.sock", "users.lock", "server.lock"
READY = "ready"
"""The line that a caretaker writes when its server answers."""
NO_LOCKS = (
    "expected a system with Unix's file locks, got {}. Name a Redis server in BUOY_URL: "
    "redis://HOST"
)
JOIN_SECONDS = 15.0
"""Seconds for which ``join`` waits for the server."""
PAUSE_SECONDS = 0.005
"""Seconds between two attempts."""
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class NoAnswer(ServerError, ConnectionError):
    """The server of a folder did not start, or does not answer. A later attempt may succeed."""


def folder_of(url: str) -> Path | None:
    """The absolute path of the folder that an ``embedded://`` URL names. The URL may name it
    relative to the current folder or to a home (``~``).

    Returns None for other URLs. Raises OddUrl when no folder is named, or there is no such home.
    """
    if not url.startswith(SCHEME):
        return None
    if url == SCHEME:
        raise OddUrl(f"name a folder: {SCHEME}./data or {SCHEME}/var/lib/data")
    try:
        return Path(url.removeprefix(SCHEME)).expanduser().resolve()
    except RuntimeError:
        raise OddUrl("there is no such home directory") from None


def join(folder: Path, seconds: float = JOIN_SECONDS) -> str:
    """Start the folder's server if it does not run, and return its URL. The server runs at least as
    long as this process.

    Forked children are users, too; programs that are started join for themselves. A further call
    starts a server again that was killed. Raises NoAnswer when a later attempt may succeed, and
    ServerError when it cannot. Any thread may call this.
    """
    if fcntl is None:
        raise ServerError(f"{SCHEME}{folder}: {NO_LOCKS.format(sys.platform)}")
    deadline = time.monotonic() + seconds
    with _joining:
        prepare(folder)
        while not (become_user(folder) and ensure_server(folder)):
            if time.monotonic() > deadline:
                raise NoAnswer(
                    f"{SCHEME}{folder}: expected an answer on {socket_in(folder)} within "
                    f"{seconds:g} s, got none. Its server is busy, or starts, or ends; "
                    f"{folder / 'redis.log'} tells more."
                )
            time.sleep(PAUSE_SECONDS)
        return unix_url(socket_in(folder))


def prepare(folder: Path) -> None:
    """Make the folder and its lock files. Raises ServerError when that is impossible or unsafe."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_owner(folder)
        for name in (USERS, LOCK):
            (folder / name).touch(0o600)
    except OSError as error:
        raise ServerError(
            f"{SCHEME}{folder}: expected a folder that this user may write to, got: "
            f"{error.strerror}. Take another one, or correct its owner and mode."
        ) from error


def check_owner(folder: Path) -> None:
    """Raise ServerError if another user owns the folder or may write to it: that user could run the
    server in it, and read all jobs."""
    facts = folder.stat()
    if facts.st_uid != os.geteuid() or facts.st_mode & OTHERS_WRITE:
        raise ServerError(
            f"{SCHEME}{folder}: expected a folder that belongs to this user (id {os.geteuid()}) "
            f"and that no other may write to, got owner {facts.st_uid} and mode "
            f"{facts.st_mode & 0o7777:o}. Correct it (chown, chmod go-w), or take another one."
        )


def become_user(folder: Path) -> bool:
    """Lock the folder's list of users for this process. Returns False while the server is ending
    because it had no users."""
    if folder not in _users:
        users = (folder / USERS).open("r+b")
        if not try_lock(users, fcntl.LOCK_SH):
            users.close()
            return False
        _users[folder] = users
    return True


def ensure_server(folder: Path) -> bool:
    """Start the server if there is none. Returns whether it answers."""
    if is_own(socket_in(folder)) and answers(socket_in(folder)):
        return True
    with (folder / LOCK).open("r+b") as lock:
        if not try_lock(lock, fcntl.LOCK_EX):
            return False
        start_caretaker(folder, lock)
    return True


def is_own(path: Path) -> bool:
    """Whether a socket belongs to this user: in /tmp, another user may have replaced it."""
    try:
        return path.stat().st_uid == os.geteuid()
    except OSError:
        return False


def start_caretaker(folder: Path, lock: IO[bytes]) -> None:
    """Start a caretaker, which takes over the lock, and wait until its server answers.

    Raises ServerError when there is no server to start or it cannot read the folder's data, and
    NoAnswer when it does not start.
    """
    executable = find_server()
    check_format(folder, Version.of(executable))
    caretaker = subprocess.run(
        [sys.executable, "-P", "-m", "buoy.embedded.caretaker", str(folder)],
        stdin=lock,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"BUOY_REDIS_SERVER": executable},
        start_new_session=True,  # Ctrl-C in this terminal must not end it: others may be users
        check=False,
    )
    output = caretaker.stdout.decode(errors="replace").strip()
    if output != READY:
        raise NoAnswer(f"{SCHEME}{folder}: expected a server to start, got: {output}")


def try_lock(file: IO[bytes], how: int) -> bool:
    """Lock the file. Returns False if another process has a lock that excludes this one."""
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def socket_in(folder: Path) -> Path:
    """The path of the socket on which the server listens. The folder holds a link to it if the path
    in the folder would be too long."""
    path = folder / SOCKET
    try:
        return path.readlink()
    except OSError:
        return path


# A child that is forked within join would keep the lock that is meant for the caretaker.
_joining = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_joining.acquire, after_in_parent=_joining.release, after_in_child=_joining.release
    )
_users: dict[Path, IO[bytes]] = {}
"""The folders whose server this process uses, with the locked file of each. The files stay open
until the process ends."""
