"""The address of every page of a dashboard."""

from collections.abc import Iterator

from starlette.routing import Route

from buoy import App
from buoy_web import dashboard
from buoy_web.address import segment

from .. import scenes

STATES = ("queued", "delayed", "running", "failed")


def addresses(app: App, part: str = "") -> Iterator[tuple[str, str]]:
    """Returns a name and a path for every page, as far as there is something to show: those of one
    part ("page", "queue", "job") or all."""
    for name, path in all_addresses(app):
        kind = name.partition("-")[0]
        if part in ("", kind if kind in ("queue", "job") else "page"):
            yield name, path


def all_addresses(app: App) -> Iterator[tuple[str, str]]:
    site = dashboard(app, authorize=lambda _: "viewer")
    for route in site.routes:
        path = route.path if isinstance(route, Route) and route.methods != {"POST"} else "/api"
        if "{" not in path and not path.startswith("/api"):
            yield path.strip("/") or "overview", path
    for queue in sorted(app.monitor.queues(), key=lambda queue: -queue.failed)[:1]:
        for state in STATES:
            yield f"queue-{state}", f"/queues/{segment(queue.name)}?state={state}"
    for state, id in scenes.one_in_each_state(app).items():
        yield f"job-{state}", f"/jobs/{segment(id)}"
    yield "missing", "/nothing/here"
