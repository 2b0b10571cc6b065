"""A local HTTP server that takes what programs send to a service, and keeps it."""

import gzip
import sys
import threading
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class Ingest:
    """Answers each POST with ``status``, after ``gate`` is open. What comes in is passed to
    ``take`` with its path."""

    status = 200

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.requests: list[str] = []
        """The paths of the requests so far."""
        self.connections = 0
        ingest = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                ingest.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = read_body(self)
                ingest.gate.wait(600.0)
                ingest.take(self.path, body)
                ingest.requests.append(self.path)  # who waits for it finds all that came in
                self.send_response(ingest.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None: ...

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.port = self.server.server_port

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()

    def take(self, path: str, body: bytes) -> None:
        """Keep what has come in."""


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed says no more; every other error is the test's."""
        if not isinstance(sys.exception(), ConnectionError | EOFError | ValueError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def read_body(request: BaseHTTPRequestHandler) -> bytes:
    """The body of a request, unpacked."""
    if request.headers.get("Transfer-Encoding") == "chunked":
        chunks = []
        while size := int(request.rfile.readline(), 16):
            chunks.append(request.rfile.read(size))
            request.rfile.readline()
        request.rfile.readline()
        body = b"".join(chunks)
    else:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
    return UNPACKED[request.headers.get("Content-Encoding", "")](body)


UNPACKED: dict[str, Callable[[bytes], bytes]] = {
    "": lambda body: body,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}
