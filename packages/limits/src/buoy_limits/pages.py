"""The page Limits of the dashboard, and the limits of a job on its own page. Only buoy-web imports
this file."""

from collections.abc import Sequence
from typing import Any

from buoy import App, ConfigurationError
from buoy.plugins.redis import PermitView, RedisSteps, find_permits
from buoy_web import Action, Card, Page, Visit

from .plugin import MOST
from .rows import in_order, limit_row

SHOWN = 100
"""How many limits the page shows."""


def show(visit: Visit) -> dict[str, Any]:
    queue, text = visit.get("queue").strip(), visit.get("q").strip()
    queues, found = visit.app.run_steps(read_limits(visit.app, queue))
    meant = in_order(each for each in found if text.lower() in each.key.lower())
    return {
        "queue": queue,
        "queues": queues,
        "q": text,
        "limits": [limit_row(each) for each in meant[:SHOWN]],
        "total": len(meant),
    }


def read_limits(app: App, queue: str) -> RedisSteps[tuple[list[str], Sequence[PermitView]]]:
    """Returns the names of all queues, and the limits of one of them, or of all."""
    queues = yield from app.monitor.read_queue_names()
    return queues, (yield from find_permits(app, [queue] if queue else queues))


def change(visit: Visit) -> str:
    """Set a limit; with an empty one, let the declared one count again."""
    queue, key, text = visit.get("queue"), visit.get("key"), visit.get("limit").strip()
    if "\n" in key or not key:
        raise ConfigurationError(f"key: expected one of this page, got {key!r:.80}")
    limit = limit_in(text) if text else None
    queued = visit.app.control.set_limit(queue, key, limit)
    what = "as declared" if limit is None else f"{limit} now"
    jobs = "1 job was" if queued == 1 else f"{queued} jobs were"
    return f"{key}: {what}; {jobs} queued."


def limit_in(text: str) -> int:
    """Returns the limit that was typed into the form; raises ConfigurationError."""
    if text.isascii() and text.isdigit() and int(text[:20]) <= MOST:
        return int(text)
    raise ConfigurationError(f"limit: expected a whole number, 0 to {MOST}, got {text!r:.80}")


PARTS: list[Page | Action | Card] = [
    Page("limits", show, "buoy_limits/limits.html", "Limits", 37),
    Action("limits/set", change),
    Card("limits", "Limits", "buoy_limits/card.html", order=31),
]
