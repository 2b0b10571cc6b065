"""Who may see and do what: roles, and the callback of the app that decides on them."""

import base64
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable, iscoroutinefunction
from typing import Any, Literal, get_args

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from buoy import ConfigurationError
from buoy.plugins import Log

logger = Log("buoy.web")

Role = Literal["viewer", "operator", "admin"]
"""viewer: sees. operator: also retries, cancels, pauses. admin: also removes and clears."""
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Person:
    """Who uses the dashboard. ``name`` is shown in the audit log."""

    role: Role
    name: str = ""

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ConfigurationError(
                f"authorize: expected one of {', '.join(ROLES)} or None, got {self.role!r:.80}"
            )

    def may(self, role: Role) -> bool:
        """Whether this person has at least this role."""
        return ROLES.index(self.role) >= ROLES.index(role)


Answer = Person | Role | None
Authorize = Callable[[HTTPConnection], Answer | Awaitable[Answer]]
"""Decides on a request: a role, a Person, or None to refuse. It may be a coroutine function."""


async def person_of(authorize: Authorize, request: HTTPConnection) -> Person | None:
    """Returns who sends the request; None if it is refused. Raises ConfigurationError for an answer
    that is neither a role nor a Person nor None.

    A function that is not ``async`` runs in a thread, since it may wait, for a database say.
    """
    answer: Any = None
    if iscoroutinefunction(authorize):
        answer = await authorize(request)
    else:
        answer = await run_in_threadpool(authorize, request)
    if isawaitable(answer):
        answer = await answer
    if answer is None or isinstance(answer, Person):
        return answer
    return Person(answer)


def basic_login(login: str) -> Authorize:
    """Returns a callback that asks for one name and password, ``NAME:PASSWORD``.

    Raises ConfigurationError for a login without a name or without a password.
    """
    name, colon, password = login.partition(":")
    if not (name and colon and password):
        raise ConfigurationError("login: expected NAME:PASSWORD, got a text of another form")
    expected = digest(login.encode())

    def authorize(request: HTTPConnection) -> Person | None:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded.strip(), validate=True)
        except ValueError:
            return None
        if scheme.lower() == "basic" and secrets.compare_digest(digest(given), expected):
            return Person("admin", name)
        if encoded:
            logger.warning("wrong login from %s", request.client.host if request.client else "?")
        return None

    return authorize


def digest(login: bytes) -> bytes:
    """Returns bytes of one length, so that how long a comparison takes tells nothing of a login."""
    return hashlib.sha256(login).digest()
