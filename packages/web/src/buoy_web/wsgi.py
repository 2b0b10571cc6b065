"""The dashboard as a WSGI app, for Flask and Django."""

import os
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Any

from a2wsgi import ASGIMiddleware

from buoy import App

from .access import Authorize
from .several import dashboard


def wsgi_dashboard(
    app: App | Mapping[str, App], *, authorize: Authorize, **options: Any
) -> "WsgiDashboard":
    """Returns the dashboard as a WSGI app; the options are those of ``dashboard``.

    ``request.scope["wsgi_environ"]`` is the environment of a request, for ``authorize``.
    """
    return WsgiDashboard(lambda: dashboard(app, authorize=authorize, **options))


class WsgiDashboard:
    """A dashboard that each process makes for itself at its first request: servers load an app and
    then fork, and threads do not come along."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make, self.lock = make, Lock()
        self.made: tuple[int, Any] = (0, None)
        os.register_at_fork(after_in_child=self.forget)
        make()  # what is wrong with its options shows now

    def forget(self) -> None:
        self.lock, self.made = Lock(), (0, None)

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        if not has_text(environ):
            start_response("400 Bad Request", [("content-type", "text/plain")])
            return [b"Expected an address in UTF-8, percent-encoded.\n"]
        answer: Iterable[bytes] = self.of_process()(environ, start_response)
        return answer

    def of_process(self) -> Any:
        """Returns the WSGI app of this process."""
        with self.lock:
            if self.made[0] != os.getpid():
                self.made = (os.getpid(), ASGIMiddleware(self.make()))
            return self.made[1]


def has_text(environ: Mapping[str, Any]) -> bool:
    """Whether an ASGI app can have the address of this request. Servers pass on its bytes."""
    try:
        for name in ("SCRIPT_NAME", "PATH_INFO"):
            environ.get(name, "").encode("latin-1").decode()
        environ.get("QUERY_STRING", "").encode("ascii")
    except UnicodeError:
        return False
    return True
