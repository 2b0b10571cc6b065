"""The HTTP server of ``buoy metrics``: one page of metrics, and one that leads there."""

import socket
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from buoy.plugins import Log

from .mounted import Wsgi

log = Log("buoy.metrics")

PAGE = "/metrics"
INDEX = b'<!doctype html><title>buoy metrics</title><p>See <a href="/metrics">/metrics</a>.\n'
CLIENT_SECONDS = 10.0
"""Seconds for which a client may be silent."""


class Handler(WSGIRequestHandler):
    """Handles one connection in a thread of its own."""

    timeout = CLIENT_SECONDS

    def log_message(self, format: str, *args: Any) -> None:
        log.debug("%s %s", self.address_string(), format % args)

    def address_string(self) -> str:
        return str(self.client_address[0])


class Server(ThreadingMixIn, WSGIServer):
    """Answers on a socket that listens, in ``serve_forever``."""

    daemon_threads = True

    def __init__(self, listening: socket.socket, metrics: Wsgi) -> None:
        self.address_family = listening.family
        super().__init__(listening.getsockname()[:2], Handler, bind_and_activate=False)
        self.socket.close()  # the one that the library has made
        self.socket = listening
        self.server_name, self.server_port = self.server_address = listening.getsockname()[:2]
        self.setup_environ()
        self.set_app(routed(metrics))

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("a client has gone: %s", client_address)


def routed(metrics: Wsgi) -> Wsgi:
    """Returns an application that has the page of metrics at its usual path."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "").rstrip("/")
        if path == PAGE:
            return metrics(environ, start_response)
        found = path == ""
        body = INDEX if found else b"expected the path /metrics\n"
        kind = "text/html" if found else "text/plain"
        headers = [("Content-Type", f"{kind}; charset=utf-8")]
        start_response("200 OK" if found else "404 Not Found", headers)
        return [body]

    return answer
