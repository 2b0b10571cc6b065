"""A dashboard that a browser can reach: an HTTP server in a thread of this process."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"


class Served:
    """An HTTP server whose site can be exchanged: one server is enough for all tests."""

    def __init__(self, port: int) -> None:
        self.address = f"http://{HOST}:{port}"
        self.site: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.site is not None, "a browser asks after the end of its test"
        await self.site(scope, receive, send)


@contextmanager
def served() -> Iterator[Served]:
    """Gives a server that runs until the end of the block."""
    with socket.create_server((HOST, 0), backlog=100) as listening:
        site = Served(listening.getsockname()[1])
        config = uvicorn.Config(site, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=[[listening]], daemon=True)
        thread.start()
        try:
            yield site
        finally:
            server.should_exit = server.force_exit = True
            thread.join()
