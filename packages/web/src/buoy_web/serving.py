"""The HTTP server of ``buoy web``."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from buoy.plugins.daemon import STOP_SIGNALS

GRACE_SECONDS = 5
"""How long requests may take that run when the server is told to stop."""


class Server(uvicorn.Server):
    """A server that a signal ends in order: requests that run have GRACE_SECONDS. A second signal
    ends it at once."""

    def __init__(self, site: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                site,
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )

    def serve_until_stopped(self, listening: socket.socket) -> None:
        self.run(sockets=[listening])

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.stop) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                with suppress(TypeError):  # C code has set it
                    signal.signal(number, handler)

    def stop(self, _number: int, _frame: Any) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
