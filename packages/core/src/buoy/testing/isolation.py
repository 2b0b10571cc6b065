"""Keeps tests away from every Redis but a private one."""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from functools import cache
from itertools import count
from multiprocessing.util import Finalize
from typing import Any
from weakref import WeakKeyDictionary

from ..app import App
from ..broker.redis_access import RedisAccess
from ..embedded.server import Server
from ..jobs.job import Job
from ..operations.job_access import JobAccess

Patch = Callable[[Any, str, Any], object]
"""``setattr`` that is undone at the end of the test."""


in_use: set[int] = set()
"""The numbers of the servers that blocks use now."""


@contextmanager
def free_server() -> Iterator[Server]:
    """Yields a private Redis server of this process that no other block uses: what a block has in
    Redis, a block within it must not empty."""
    number = next(number for number in count() if number not in in_use)
    in_use.add(number)
    try:
        yield server_of(os.getpid(), number)
    finally:
        in_use.discard(number)


@cache
def server_of(process: int, number: int) -> Server:
    """Returns a server of a process, which ends with it. One that was forked does not use those of
    its parent, which another test may be emptying."""
    server = Server()
    server.start()
    Finalize(None, server.stop, exitpriority=0)  # at the end of processes of multiprocessing, too
    return server


@contextmanager
def isolated_app(*, allowed_urls: Collection[str] = ()) -> Iterator[App]:
    """Within the block ``Job.app`` is an app on an empty private server, and no app reaches another
    Redis; yields the app. A block within a block has another server.

    ``allowed_urls``: the beginnings of URLs that apps may use nevertheless.
    """
    with ExitStack() as undo:

        def patch(owner: Any, name: str, value: Any) -> None:
            undo.callback(setattr, owner, name, vars(owner)[name])
            setattr(owner, name, value)

        server = undo.enter_context(free_server())
        app = isolate(server, patch, allowed_urls)
        undo.callback(app.broker.client.close)
        yield app


def isolate(server: Server, patch: Patch, allowed_urls: Collection[str] = ()) -> App:
    """Make ``Job.app`` an app on this server, which is emptied, and let all other apps use it, too.

    The app has the app-wide plugins of the one before.
    """
    app = App(server.url, plugins=Job.app._listed_plugins)
    places = Places(server.url, [server.url, *allowed_urls])
    for owner, name in ATTRIBUTES:
        patch(owner, name, Redirected(places, name, original(owner, name)))
    patch(Job, "app", app)
    app.command("FLUSHALL")  # a block around this one would lead it to its own server until now
    return app


ATTRIBUTES = [(RedisAccess, name) for name in ("settings", "broker")] + [
    (JobAccess, name) for name in ("control", "monitor", "failures")
]
"""What an app keeps that has to do with its Redis; each is made at its first use."""


class Places:
    """Which app uses which Redis: its own if that is allowed, else the private server."""

    def __init__(self, url: str, allowed: Collection[str]) -> None:
        self.url, self.allowed = url, tuple(allowed)
        self.others: WeakKeyDictionary[RedisAccess, RedisAccess] = WeakKeyDictionary()

    def app_for(self, app: RedisAccess) -> RedisAccess:
        """Returns an app as this one, with its own namespace, on a Redis that a test may use."""
        if original(RedisAccess, "settings").__get__(app).url.startswith(self.allowed):
            return app
        if app not in self.others:
            other = self.others[app] = copy(app)
            other._given = app._given | {"url": self.url}
            for _, name in ATTRIBUTES:
                vars(other).pop(name, None)
        return self.others[app]


class Redirected:
    """Stands for an attribute of all apps that were made, and of those that will be made."""

    def __init__(self, places: Places, name: str, original: Any) -> None:
        self.places, self.name, self.original = places, name, original

    def __get__(self, app: RedisAccess | None, owner: Any = None) -> Any:
        if app is None:
            return self.original
        return self.original.__get__(self.places.app_for(app), owner)

    def __set__(self, app: RedisAccess, value: Any) -> None:
        vars(app)[self.name] = value


def original(owner: type, name: str) -> Any:
    """Returns an attribute as it is without any test."""
    found = vars(owner)[name]
    return found.original if isinstance(found, Redirected) else found
