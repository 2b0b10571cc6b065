"""The page of metrics as a part of another web program: for ASGI and for WSGI."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry, make_wsgi_app

from buoy import App

from .collector import TIMEOUT, BuoyCollector

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def wsgi_app(app: App | None = None, *, timeout: float = TIMEOUT) -> Wsgi:
    """Returns a WSGI application that answers each GET with the metrics; see BuoyCollector."""
    registry = CollectorRegistry()
    registry.register(BuoyCollector(app, timeout=timeout))
    made: Wsgi = make_wsgi_app(registry)
    return made


def asgi_app(app: App | None = None, *, timeout: float = TIMEOUT) -> "AsgiApp":
    """Returns an ASGI application that answers each GET with the metrics; see BuoyCollector.

    It reads Redis in a thread, so that the event loop goes on.
    """
    return AsgiApp(wsgi_app(app, timeout=timeout))


class AsgiApp:
    """Calls a WSGI application in a thread."""

    def __init__(self, wsgi: Wsgi) -> None:
        self._wsgi = wsgi

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"buoy_metrics: expected http, got {scope['type']}")
        status, headers, body = await asyncio.to_thread(self._answer, scope)
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, scope: Mapping[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
        begun: list[tuple[str, list[tuple[str, str]]]] = []
        body = b"".join(self._wsgi(environ(scope), lambda *start: begun.append(start)))
        [(status, headers)] = begun
        return int(status.split(" ")[0]), headers, body


def environ(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the page of Prometheus' library looks at, of a request."""
    headers = [(name.decode("latin-1").lower(), value) for name, value in scope["headers"]]

    def joined(wanted: str) -> str:
        return ",".join(value.decode("latin-1") for name, value in headers if name == wanted)

    return {
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": scope["path"],
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "HTTP_ACCEPT": joined("accept"),
        "HTTP_ACCEPT_ENCODING": joined("accept-encoding"),
    }
