"""The dashboards of one app and of several, with a first page that shows all apps."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from buoy import App, BuoyError
from buoy.plugins import expect

from .access import Authorize, Person, person_of
from .address import path_in, root_of
from .dashboard import Dashboard, as_json, static_files
from .page import Page, Values, Visit
from .queue_rows import queue_rows, total_of
from .rendering import Renderer
from .security import Guard

PATIENCE = 3.0
"""Seconds for which the page of all apps waits for the Redis of each."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
TAKEN = ("api", "static")
OF_PROGRAMS = re.compile(r"(/[^/]+)?/api/")
"""The path of a request for JSON, of all apps or of one."""
ALL = Page("", lambda _: {}, "buoy_web/apps.html", "Apps")


def dashboard(
    app: App | Mapping[str, App],
    *,
    authorize: Authorize,
    read_only: bool = False,
    title: str = "buoy",
    ask: str = "",
) -> Starlette:
    """Returns the dashboard of an app, or of several apps by their names, to be mounted in an ASGI
    app.

    ``authorize`` decides on each request; ``request.state.app`` is the name of the app that it is
    for, "" if the dashboard has one only. With ``read_only`` nobody can change anything. ``ask`` is
    for a login by password: the value of the header ``WWW-Authenticate``. Raises ConfigurationError
    for a name that cannot be a part of an address.
    """
    if isinstance(app, App):
        return Dashboard(app, read_only=read_only, title=title).asgi(authorize, ask)
    named: Mapping[str, App] = app
    names = checked_names(named)
    apps = [
        Dashboard(each, read_only=read_only, title=title, name=name, names=names)
        for name, each in named.items()
    ]
    return Starlette(
        routes=[
            *(Mount(f"/{each.name}", each.asgi(authorize, ask)) for each in apps),
            Mount("/", AllApps(apps, authorize, read_only, title).asgi(ask)),
        ]
    )


def checked_names(apps: Mapping[str, App]) -> list[str]:
    right = isinstance(apps, Mapping) and len(apps) > 0
    expect(right, "dashboard(app)", "an App, or a dict of them by their names", apps)
    for name, app in apps.items():
        right = isinstance(name, str) and bool(NAME.fullmatch(name)) and name not in TAKEN
        wanted = f"letters, digits, dots and dashes, other than {' and '.join(TAKEN)}"
        expect(right, "dashboard: name of an app", wanted, name)
        expect(isinstance(app, App), f"dashboard: {name}", "an App", app)
    return [*apps]


@dataclass(frozen=True)
class AppRow:
    """An app as the page of all shows it.

    ``latency``: seconds, of its slowest queue. ``unserved``: queues with jobs that no worker takes.
    ``problem``: why nothing is known of it; then the numbers are 0.
    """

    name: str
    queued: int = 0
    running: int = 0
    delayed: int = 0
    failed: int = 0
    latency: float = 0.0
    unserved: Sequence[str] = ()
    problem: str = ""


def read_row(name: str, app: App) -> AppRow:
    try:
        rows = queue_rows(app)
    except BuoyError as error:
        return AppRow(name, problem=str(error))
    total = total_of(rows)
    return AppRow(
        name,
        total["queued"],
        total["running"],
        total["delayed"],
        total["failed"],
        latency=max((row.latency for row in rows if row.queued), default=0.0),
        unserved=[row.name for row in rows if row.unserved],
    )


class AllApps:
    """The page that shows all apps. A Redis that is away holds up neither it nor other apps."""

    def __init__(
        self, apps: Sequence[Dashboard], authorize: Authorize, read_only: bool, title: str
    ) -> None:
        self.apps, self.authorize = {each.name: each for each in apps}, authorize
        self.read_only = read_only
        self.renderer = Renderer([ALL], [ALL.template], title, names=[*self.apps])
        self.reading: dict[str, Future[AppRow]] = {}

    def asgi(self, ask: str) -> Starlette:
        return Starlette(
            routes=[
                static_files(),
                Route("/", self.html),
                Route("/api/", self.json),
                *(Route(f"/{name}", self.slash) for name in self.apps),
            ],
            middleware=[Middleware(Guard, authorize=self.any_of, ask=ask)],
            exception_handlers={404: self.no_such_page},
        )

    async def any_of(self, request: HTTPConnection) -> Person | None:
        """Returns the person of the first app that this request may see, and notes all of them."""
        people: dict[str, Person] = {}
        for name in self.apps:
            request.state.app = name
            if person := await person_of(self.authorize, request):
                people[name] = person
        request.state.app, request.state.seen = "", [*people]
        return next(iter(people.values()), None)

    async def values(self, request: Request) -> Values:
        return {"apps": await asyncio.gather(*map(self.row, request.state.seen))}

    async def row(self, name: str) -> AppRow:
        """Returns what is known of an app. Each is read once at a time, for all who wait."""
        reading = self.reading.get(name)
        if reading is None or reading.done():
            each = self.apps[name]
            reading = self.reading[name] = each.threads.submit(read_row, name, each.app)
        waiting = asyncio.shield(asyncio.wrap_future(reading))
        try:
            return await asyncio.wait_for(waiting, PATIENCE)
        except TimeoutError:
            return AppRow(name, problem=f"Redis has not answered for {PATIENCE:g} seconds")

    async def html(self, request: Request) -> Response:
        text = self.renderer.render(
            ALL,
            await self.values(request),
            request,
            self.visit(request),
            token="",
            read_only=self.read_only,
            changed=None,
        )
        return HTMLResponse(text)

    async def json(self, request: Request) -> Response:
        return as_json(await self.values(request))

    async def slash(self, request: Request) -> Response:
        return RedirectResponse(f"{root_of(request.scope)}{path_in(request.scope)}/")

    async def no_such_page(self, request: Request, _error: Exception) -> Response:
        text = f"There is no such page; the apps are {', '.join(request.state.seen)}."
        if OF_PROGRAMS.match(path_in(request.scope)):
            return as_json({"error": "Not found", "message": text}, 404)
        page = self.renderer.problem(
            request,
            self.visit(request),
            problem="Not found",
            text=text,
            read_only=self.read_only,
            again=False,
            changed=None,
        )
        return HTMLResponse(page, 404)

    def visit(self, request: Request) -> Visit:
        first = self.apps[request.state.seen[0]]
        return Visit(first.app, request.state.person)
