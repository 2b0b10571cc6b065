"""Protection of all changes: they must come from a form of this dashboard, in the user's browser.

Each browser has a random cookie. Each form carries a token: the HMAC of the cookie and of the
user's name under a secret. So a cookie and a token that somebody else was given are worth nothing.
The secret lies in Redis, so that all processes that serve the dashboard have one.

Programs have no forms. They POST JSON, which a browser sends to another site only if that site
allows it; the dashboard never does. What a browser marks as a request of another site is refused
nevertheless, since the app around the dashboard may allow it.
"""

import hashlib
import hmac
import json
import secrets
from urllib.parse import urlsplit

from starlette.requests import Request

from buoy import App

COOKIE = "buoy_web"
FIELD = "token"
SEAL = hashlib.sha256().digest_size * 2
"""Characters of a token."""


class Tokens:
    """Makes and checks the tokens of forms."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.secret: bytes | None = None

    def token(self, cookie: str, name: str) -> str:
        """Returns the token of forms in the browser with this cookie, for the user of this name."""
        return self.digest("form", cookie, name)

    def digest(self, *words: str) -> str:
        stored = json.dumps(words).encode()
        return hmac.new(self.get_secret(), stored, hashlib.sha256).hexdigest()

    def is_right(self, cookie: str, name: str, token: str) -> bool:
        return bool(cookie) and is_equal(self.token(cookie, name), token)

    def seal(self, cookie: str, text: str) -> str:
        """Returns a text with a seal, which ``unseal`` opens in the browser with this cookie."""
        return self.digest("text", cookie, text) + text

    def unseal(self, cookie: str, sealed: str) -> str | None:
        """Returns the text under a seal; None if the dashboard has not sealed it."""
        seal, text = sealed[:SEAL], sealed[SEAL:]
        right = bool(cookie) and is_equal(self.digest("text", cookie, text), seal)
        return text if right else None

    def get_secret(self) -> bytes:
        """Returns the secret; makes it if Redis has none. Raises BrokerError."""
        if self.secret is None:
            key = f"{self.app.settings.namespace}:web:secret"
            self.app.command("SET", key, secrets.token_hex(32), "NX")
            self.secret = bytes(self.app.command("GET", key))
        return self.secret


def is_equal(right: str, given: str) -> bool:
    """Whether two texts are equal; how long this takes does not tell where they differ."""
    return hmac.compare_digest(right.encode(), given.encode(errors="replace"))


def new_cookie() -> str:
    return secrets.token_urlsafe(24)


def is_same_origin(request: Request) -> bool:
    """Whether a browser has sent this request from a page of this site.

    Browsers send ``Sec-Fetch-Site``; older ones send ``Origin``. A request without both is refused.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return is_own(request.headers.get("origin", ""), request)


def is_foreign(request: Request) -> bool:
    """Whether a browser has sent this request from a page of another site."""
    asked = ("sec-fetch-site", "origin")
    return any(name in request.headers for name in asked) and not is_same_origin(request)


def is_own(origin: str, request: Request) -> bool:
    try:
        netloc = urlsplit(origin).netloc
    except ValueError:
        return False
    return bool(netloc) and netloc == request.headers.get("host")
