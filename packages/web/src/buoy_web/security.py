"""The guard in front of all pages: it asks ``authorize``, and sets the headers of each response."""

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .access import Authorize, person_of
from .address import is_api

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
REFUSED = (
    "You may not see this dashboard: its function authorize returned None for this request.\n"
    "(buoy web without --login answers at localhost and at 127.0.0.1 only.)\n"
)


class Guard:
    """Lets only requests pass for which ``authorize`` returns a role.

    ``ask``: the value of the header ``WWW-Authenticate`` that makes a browser ask for a password.
    ``name``: that of the app behind it, in a dashboard of several; ``authorize`` finds it as
    ``request.state.app``.
    """

    def __init__(self, app: ASGIApp, authorize: Authorize, ask: str = "", name: str = "") -> None:
        self.app, self.authorize, self.ask, self.name = app, authorize, ask, name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        # The state of the app around it stays as it is.
        scope["state"] = {**scope.get("state", {}), "app": self.name}
        person = await person_of(self.authorize, HTTPConnection(scope))
        if person is None:
            await self.refusal(scope)(scope, receive, send_with_headers)
            return
        scope["state"]["person"] = person
        await self.app(scope, receive, send_with_headers)

    def refusal(self, scope: Scope) -> Response:
        status, headers = (401, {"www-authenticate": self.ask}) if self.ask else (403, {})
        if is_api(scope):
            values = {"error": "Not allowed", "message": " ".join(REFUSED.split())}
            return JSONResponse(values, status, headers)
        return PlainTextResponse(REFUSED, status, headers)
