"""The page Limits of the dashboard, and the limits of a job on its own page. Only buoy-web imports
this file."""

from typing import Any

from buoy import App, ConfigurationError
from buoy.plugins.redis import RedisSteps
from buoy_web import Action, Card, Page, Visit

from .changes import change, check_settable, lift, parse
from .rows import Rows, read_rows

SHOWN = 100
"""How many limits the page shows, and how many of each other kind."""


def show(visit: Visit) -> dict[str, Any]:
    queue, text = visit.get("queue").strip(), visit.get("q").strip()
    queues, found = visit.app.run_steps(read_page(visit.app, queue))
    meant = found.matching(text)
    return {
        "queue": queue,
        "queues": queues,
        "q": text,
        "limits": meant.limits[:SHOWN],
        "rates": meant.rates[:SHOWN],
        "throttles": meant.throttles[:SHOWN],
        "debounces": meant.debounces[:SHOWN],
        "total": sum(map(len, meant)),
    }


def read_page(app: App, queue: str) -> RedisSteps[tuple[list[str], Rows]]:
    """Returns the names of all queues, and what counts in one of them, or in all."""
    queues = yield from app.monitor.read_queue_names()
    return queues, (yield from read_rows(app, [queue] if queue else queues))


def set_limit(visit: Visit) -> str:
    """Set a limit or a rate; with an empty text, let the declared one count again."""
    (queue, key), text = place_of(visit), visit.get("limit").strip()
    check_settable(key)
    return f"{change(visit.app, queue, key, parse(key, text) if text else None)}."


def lift_throttle(visit: Visit) -> str:
    """Let the next job of a key be enqueued."""
    return f"{lift(visit.app, *place_of(visit))}."


def place_of(visit: Visit) -> tuple[str, str]:
    """Returns the queue and the key of a form."""
    queue, key = visit.get("queue"), visit.get("key")
    if "\n" in key or not key:
        raise ConfigurationError(f"key: expected one of this page, got {key!r:.80}")
    return queue, key


PARTS: list[Page | Action | Card] = [
    Page("limits", show, "buoy_limits/limits.html", "Limits", 37),
    Action("limits/set", set_limit),
    Action("limits/lift", lift_throttle),
    Card("limits", "Limits", "buoy_limits/card.html", order=31),
]
