"""``embedded://DIR``: one private server for all processes that name the same folder.

Two locks in the folder tell all. The kernel drops them with their holder, however that dies.

- ``users.lock`` is shared by all processes that have joined, for as long as they live. Who gets it
  alone knows that nobody uses the server.
- ``server.lock`` is held by the caretaker, which starts the server and ends with it. Who gets it
  knows that no server runs, starts a caretaker, and leaves the lock to it.

Put the folder on a local disk: on some network file systems such locks hold nothing.
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
except ImportError:  # on Windows, where programs may enqueue all the same
    fcntl = None  # type: ignore[assignment]

SCHEME = "embedded://"
SOCKET, USERS, LOCK = "redis.sock", "users.lock", "server.lock"
READY = "ready"
"""What a caretaker says when its server answers."""
NO_LOCKS = (
    "expected a system with Unix's file locks, got {}. Name a Redis server in BUOY_URL: "
    "redis://HOST"
)
PATIENCE = 15.0
PAUSE = 0.005
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class NoAnswer(ServerError, ConnectionError):
    """The server of a folder did not start, or does not answer; it may later."""


def folder_of(url: str) -> Path | None:
    """The folder that an ``embedded://`` URL names, as it is written: relative to the current one,
    or to a home (``~``); None for other URLs."""
    if not url.startswith(SCHEME):
        return None
    if url == SCHEME:
        raise OddUrl(f"name a folder: {SCHEME}./data or {SCHEME}/var/lib/data")
    try:
        return Path(url.removeprefix(SCHEME)).expanduser().resolve()
    except RuntimeError:
        raise OddUrl("there is no such home directory") from None


def join(folder: Path, patience: float = PATIENCE) -> str:
    """The URL of the folder's server, which runs at least as long as this process does.

    Forked children are users, too; programs that are started join for themselves. Called again,
    it brings a server back that was killed. Raises NoAnswer when later may be better, else
    ServerError.
    """
    if fcntl is None:
        raise ServerError(f"{SCHEME}{folder}: {NO_LOCKS.format(sys.platform)}")
    deadline = time.monotonic() + patience
    with _joining:
        make(folder)
        while not (use(folder) and serve(folder)):
            if time.monotonic() > deadline:
                raise NoAnswer(
                    f"{SCHEME}{folder}: expected an answer on {socket_in(folder)} within "
                    f"{patience:g} s, got none. Its server is busy, or starts, or ends; "
                    f"{folder / 'redis.log'} tells more."
                )
            time.sleep(PAUSE)
        return unix_url(socket_in(folder))


def make(folder: Path) -> None:
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
    """Refuse a folder that somebody else has prepared, or may prepare: its server could be theirs,
    and be told all jobs."""
    facts = folder.stat()
    if facts.st_uid != os.geteuid() or facts.st_mode & OTHERS_WRITE:
        raise ServerError(
            f"{SCHEME}{folder}: expected a folder that belongs to this user (id {os.geteuid()}) "
            f"and that no other may write to, got owner {facts.st_uid} and mode "
            f"{facts.st_mode & 0o7777:o}. Correct it (chown, chmod go-w), or take another one."
        )


def use(folder: Path) -> bool:
    """Become a user; not while the server is ending because there was none."""
    if folder not in _users:
        users = (folder / USERS).open("r+b")
        if not locked(users, fcntl.LOCK_SH):
            users.close()
            return False
        _users[folder] = users
    return True


def serve(folder: Path) -> bool:
    """Whether the server answers; started first, if there is none."""
    if is_own(socket_in(folder)) and answers(socket_in(folder)):
        return True
    with (folder / LOCK).open("r+b") as lock:
        if not locked(lock, fcntl.LOCK_EX):
            return False
        start(folder, lock)
    return True


def is_own(path: Path) -> bool:
    """Whether a socket is this user's: one in a folder for all may have been replaced."""
    try:
        return path.stat().st_uid == os.geteuid()
    except OSError:
        return False


def start(folder: Path, lock: IO[bytes]) -> None:
    """Have a caretaker start the server, and keep the lock."""
    executable = find_server()
    check_format(folder, Version.of(executable))
    told = subprocess.run(
        [sys.executable, "-P", "-m", "buoy.embedded.caretaker", str(folder)],
        stdin=lock,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"BUOY_REDIS_SERVER": executable},
        start_new_session=True,  # Ctrl-C in this terminal is not for it: others may be users
        check=False,
    )
    said = told.stdout.decode(errors="replace").strip()
    if said != READY:
        raise NoAnswer(f"{SCHEME}{folder}: expected a server to start, got: {said}")


def locked(file: IO[bytes], how: int) -> bool:
    """Take a lock, unless that would mean to wait."""
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def socket_in(folder: Path) -> Path:
    """Where the server listens: a link stands in for a socket whose path would be too long."""
    path = folder / SOCKET
    try:
        return path.readlink()
    except OSError:
        return path


# A child that is forked amid a join would hold the lock that is meant for the caretaker.
_joining = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_joining.acquire, after_in_parent=_joining.release, after_in_child=_joining.release
    )
_users: dict[Path, IO[bytes]] = {}
"""The folders whose server this process uses. The files are never closed, but by its end."""
