"""How long pages of the dashboard take beside much data, and beside none."""

import asyncio
import atexit
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache, partial
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from buoy import App
from buoy_web import dashboard, readings, shared

from .. import crowd
from ..measure import Case, Column, Effort, Figures, Measure
from ..placement import Placement, on
from ..sandbox import Sandbox, new_sandbox
from ..subject import Subject

BARE = "bare page, one round trip"
ROUNDS = 40
PAGES = {
    "Overview": "/",
    "Jobs": "/jobs",
    "Jobs, a filter": "/jobs?q=4712",
    "Delayed": "/delayed",
    "Failed": "/failed",
    "Queue": "/queues/queue000",
    "Workers": "/workers",
    "Classes": "/classes",
    "Job": "/jobs/delayed000000000000000000005",
    "Doctor": "/doctor",
    "Schedule": "/schedule",
    "Unique jobs": "/unique",
    "Audit": "/audit",
}
Site = Callable[[Any, Any, Any], Awaitable[None]]


def cases(
    effort: Effort, subjects: Sequence[Subject], placements: Sequence[Placement]
) -> Iterator[Case]:
    size, placement = crowd.CONTRACT.scaled(effort.scale), placements[-1]
    yield Case(BARE, "limit", placement, partial(bare, placement))
    for name, path in PAGES.items():
        run = partial(page, placement, size, path)
        yield Case(f"buoy web, {name}", "buoy", placement, run, limit=BARE)


@cache
def kept(placement: Placement, size: crowd.Size | None) -> Sandbox:
    """Returns a Redis that is filled once, or empty, until this process ends."""
    stack = ExitStack()
    atexit.register(stack.close)
    sandbox = stack.enter_context(new_sandbox(placement, 1))
    if size is not None:
        crowd.fill(App(sandbox.server.url), sandbox.client, size)
    return sandbox


def page(placement: Placement, size: crowd.Size, path: str) -> Figures:
    """Measure one page, with and without data, in turn; then again so that no request finds what
    others have read of all queues and workers."""
    shared.SECONDS = 0.0
    apps = [App(kept(placement, each).server.url) for each in (size, None)]
    sites = [dashboard(app, authorize=lambda _: "admin") for app in apps]
    trips = [CountedTrips(app.broker.client) for app in apps]
    for app, counted in zip(apps, trips, strict=True):
        app.broker.client = counted
    with on(placement.work):
        filled, empty = asyncio.run(shortest_times(sites, path))
        trips[0].count = trips[0].commands = 0
        anew = [forgetful(app, site) for app, site in zip(apps, sites, strict=True)]
        filled_anew, empty_anew = asyncio.run(shortest_times(anew, path))
    for counted in trips:
        counted.client.close()
    return {
        "ms": filled * 1000,
        "empty_ms": empty * 1000,
        "times": filled / empty,
        "anew_ms": filled_anew * 1000,
        "anew_times": filled_anew / empty_anew,
        "trips": trips[0].count / (ROUNDS + 1),
        "commands": trips[0].commands / (ROUNDS + 1),
    }


def forgetful(app: App, site: Site) -> Site:
    """Returns a dashboard that reads all anew for each request."""

    async def ask(scope: Any, receive: Any, send: Any) -> None:
        readings.forget(app)
        await site(scope, receive, send)

    return ask


class CountedTrips:
    """A client that counts its round trips and commands, once scripts are known."""

    def __init__(self, client: Any) -> None:
        self.client, self.count, self.commands = client, 0, 0

    def call(self, *words: Any) -> Any:
        self.count, self.commands = self.count + 1, self.commands + 1
        return self.client.call(*words)

    def calls(self, commands: Sequence[Any]) -> list[Any]:
        self.count, self.commands = self.count + 1, self.commands + len(commands)
        found: list[Any] = self.client.calls(commands)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)


def bare(placement: Placement) -> Figures:
    """Measure a page of Starlette that sends one PING."""
    app = App(kept(placement, None).server.url)

    async def ping(request: Request) -> HTMLResponse:
        reply = await run_in_threadpool(app.command, "PING")
        return HTMLResponse(f"<!doctype html><title>bare</title><p>{reply.decode()}</p>")

    site = Starlette(routes=[Route("/", ping)])
    with on(placement.work):
        [took] = (seconds * 1000 for seconds in asyncio.run(shortest_times([site], "/")))
    same = dict.fromkeys(("times", "anew_times", "trips", "commands"), 1.0)
    return {"ms": took, "empty_ms": took, "anew_ms": took, **same}


async def shortest_times(sites: Sequence[Site], path: str) -> list[float]:
    """Returns the seconds that a page of each of these takes at least: what else the machine does
    slows down long pages more than short ones. They take turns."""
    times: list[list[float]] = [[] for _ in sites]
    for number in range(ROUNDS + 1):
        for site, taken in zip(sites, times, strict=True):
            began = time.perf_counter()
            await get(site, path)
            if number:  # at the first time, scripts and templates are read
                taken.append(time.perf_counter() - began)
    return [min(taken) for taken in times]


async def get(site: Site, target: str) -> None:
    """Send a request as a server does. Raises ValueError for another answer than a page."""
    path, _, query = target.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
    }
    scope |= {"raw_path": path.encode(), "root_path": "", "query_string": query.encode()}
    scope |= {"server": ("localhost", 80), "client": ("localhost", 1)}
    scope |= {"headers": [(b"host", b"localhost"), (b"cookie", b"buoy_web=measured")]}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message.get("status", 200) not in (200, 404):  # without jobs, there is no page of one
            raise ValueError(f"{target}: expected a page, got status {message['status']}")

    await site(scope, receive, send)


MEASURE = Measure(
    name="pages",
    title="Pages of the dashboard",
    text="The shortest time of a page, of 40, beside 200 queues, 500 workers, 100 000 failed and "
    "1 000 000 delayed jobs, and beside an empty Redis. Each request reads the jobs that it shows; "
    "what all queues and workers hold is read once a second for all pages, which queues workers "
    "serve, what a queue has counted and what the Doctor finds every five seconds, and what was "
    "counted in past minutes once. Behind *anew* are the figures of a request that finds nothing "
    "read by others, as the first one does. The limit is a page of Starlette that sends one PING.",
    columns=(
        Column("ms", "ms"),
        Column("empty_ms", "ms, empty Redis"),
        Column("times", "times"),
        Column("anew_ms", "ms, anew"),
        Column("anew_times", "times, anew"),
        Column("trips", "round trips, anew"),
        Column("commands", "commands, anew"),
    ),
    cases=cases,
    more_is_better=False,
    ranked=False,
)
