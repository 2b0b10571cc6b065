"""A proxy between clients and a server that fails when it is told to."""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Condition, Event, Thread
from typing import Literal, Self
from urllib.parse import unquote, urlsplit

from tests.support.processes import WITHIN

When = Literal["before", "after"]

# What client libraries send on their own when they connect.
GREETINGS = {"AUTH", "CLIENT", "HELLO", "SELECT"}

# The first byte of values of the Redis protocol. A push comes without having been asked for.
PUSH = b">"
BULK = {b"$", b"=", b"!"}
PARTS = {b"*": 1, b"~": 1, PUSH: 1, b"%": 2}


class Proxy:
    """Stands before the server at `target`, a url; clients use the proxy's own `url`.

    Passes everything on, and fails on demand: cut(), drop(), freeze(), refuse(). `commands` holds
    the names of the commands that clients have sent, but for those that open a connection.
    """

    def __init__(self, target: str, *, port: bool = False) -> None:
        self.commands: list[str] = []
        self.url = ""
        self._target = target
        self._port = port
        self._links: list[_Link] = []
        self._changed = Condition()
        self._cut: tuple[int, When] | None = None
        self._refusing = False
        self.flowing = Event()
        self.flowing.set()

    def cut(self, n: int, when: When) -> None:
        """Cut the connection at the nth command from now on (1 is the next), once.

        "before": the server never gets it. "after": the server executes it, its reply is lost.
        """
        with self._changed:
            self._cut = (len(self.commands) + n, when)

    def drop(self) -> None:
        """Cut all connections that are open now."""
        with self._changed:
            links, self._links = self._links, []
        for link in links:
            link.close()

    def freeze(self) -> None:
        """Be a black hole: connections stay open, or open, and nothing moves until resume()."""
        self.flowing.clear()

    def refuse(self) -> None:
        """Close new connections at once, until resume()."""
        self._refusing = True

    def resume(self) -> None:
        """Take back freeze() and refuse(); what was held up moves on."""
        self._refusing = False
        self.flowing.set()

    def wait_for(self, n: int, within: float = WITHIN) -> None:
        """Wait until n commands have come in all."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.commands) >= n, within), self.commands

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="buoy-"))
        self._listener, self.url = self._listen()
        self._acceptor = Thread(target=self._accept, daemon=True)
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Linux wakes accept() by shutdown(), macOS by close().
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        self.drop()
        self.resume()
        shutil.rmtree(self._folder)

    def _listen(self) -> tuple[socket.socket, str]:
        if self._port:
            listener = socket.create_server(("127.0.0.1", 0))
            return listener, f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{self._folder}/proxy.sock")
        listener.listen()
        return listener, f"unix://{self._folder}/proxy.sock"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._link(client)

    def _link(self, client: socket.socket) -> None:
        if self._refusing:
            client.close()
            return
        try:
            server = connect(self._target)
        except OSError:
            client.close()
            return
        link = _Link(self, client, server)
        with self._changed:
            self._links.append(link)
        link.start()

    def admit(self, command: bytes) -> When | None:
        """Count a command; the answer tells whether, and when, to cut its connection."""
        self.flowing.wait()
        # A command is an array of strings: *2 $3 GET $3 key.
        name = command.split(b"\r\n", 3)[2].decode().upper()
        if name in GREETINGS:
            return None
        with self._changed:
            self.commands.append(name)
            self._changed.notify_all()
            if self._cut is None or self._cut[0] > len(self.commands):
                return None
            _, when = self._cut
            self._cut = None
            return when


class _Link:
    """A client's connection, and the one to the server that belongs to it."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._sent = 0
        self._lost: int | None = None

    def start(self) -> None:
        # A thread for each direction, so that long pipelines cannot block each other.
        for direction in (self._pass_commands, self._pass_replies):
            Thread(target=direction, daemon=True).start()

    def close(self) -> None:
        for end in (self._client, self._server):
            # Wakes the thread that reads from it.
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _pass_commands(self) -> None:
        with suppress(OSError):
            for command in values(self._client):
                when = self._proxy.admit(command)
                if when == "before":
                    break
                if when == "after":
                    self._lost = self._sent
                self._sent += 1
                self._server.sendall(command)
                if when == "after":
                    # The rest of a pipeline stays here; the reply will close the connection.
                    return
        self.close()

    def _pass_replies(self) -> None:
        received = 0
        with suppress(OSError):
            for reply in values(self._server):
                self._proxy.flowing.wait()
                if not reply.startswith(PUSH):
                    if received == self._lost:
                        break
                    received += 1
                self._client.sendall(reply)
        self.close()


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(unquote(parts.path))
        except OSError:
            server.close()
            raise
        return server
    return socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379))


def values(stream: socket.socket) -> Iterator[bytes]:
    """The values of the Redis protocol, whole and as they came."""
    buffer = b""
    while chunk := stream.recv(65536):
        buffer += chunk
        while (end := end_of_value(buffer, 0)) is not None:
            yield buffer[:end]
            buffer = buffer[end:]


def end_of_value(buffer: bytes, start: int) -> int | None:
    """The index behind the value that begins at `start`; None while it is incomplete."""
    line_end = buffer.find(b"\r\n", start)
    if line_end < 0:
        return None
    kind, size, end = buffer[start : start + 1], buffer[start + 1 : line_end], line_end + 2
    if kind in BULK and size != b"-1":
        end += int(size) + 2
        return end if end <= len(buffer) else None
    for _ in range(int(size) * PARTS[kind] if kind in PARTS else 0):
        part_end = end_of_value(buffer, end)
        if part_end is None:
            return None
        end = part_end
    return end
