"""The page History of the dashboard, and the end of a job on its page. Only buoy-web imports it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from buoy import ConfigurationError
from buoy.plugins.redis import JobView
from buoy_web import Card, Event, Page, Visit

from .brief_search import ends_page
from .record import STATES, EndedJob
from .wanted import Wanted, shown_arguments

SHOWN = 50
LATEST = 10.0**11


def show(visit: Visit) -> dict[str, Any]:
    search, before = visit.search(), instant(visit.get("before"))
    wanted = Wanted(
        name=search.name,
        queue=search.queue,
        state=search.state,  # type: ignore[arg-type]  # it is checked
        tag=search.tag,
        error=search.error,
        args=search.args,
        since=search.since,
        until=min((each for each in (search.until, before) if each is not None), default=None),
    )
    found = ends_page(visit.app, wanted, SHOWN)
    return {
        "search": search,
        "states": STATES,
        "ended": [row(each) for each in found.ended],
        "read": found.read,
        "remembered": found.remembered,
        "older": found.older,
        "before": before,
    }


def row(each: EndedJob) -> dict[str, Any]:
    """Returns an end as the page and its JSON have it; times are epoch seconds."""
    fields = asdict(each)
    return fields | {"args": shown_arguments(each)}


def instant(text: str) -> float | None:
    """Returns epoch seconds; None for an empty text. Raises ConfigurationError for another one."""
    try:
        return min(max(0.0, float(text)), LATEST) if text else None
    except ValueError:
        raise ConfigurationError(f"before: expected epoch seconds, got {text!r:.80}") from None


def life(facts: Mapping[str, Any], job: JobView | None) -> Iterator[Event]:
    """Returns when a job that has ended was enqueued, and how it ended."""
    if enqueued_at := facts.get("enqueued_at"):
        yield Event(seconds(enqueued_at), "queued", "Enqueued", f"in {facts.get('queue')}")
    if ended_at := facts.get("ended_at"):
        error = ": ".join(str(facts[name]) for name in ("error", "message") if facts.get(name))
        text = error or f"attempt {facts.get('attempt')}"
        worker = f" · {facts['worker']}" if facts.get("worker") else ""
        yield Event(seconds(ended_at), "ended", str(facts["state"]).capitalize(), text + worker)


def seconds(time: str) -> float:
    """Returns the epoch seconds of a time in a fact."""
    return datetime.fromisoformat(time).timestamp()


PARTS: list[Page | Card] = [
    Page("history", show, "buoy_history/history.html", "History", 37),
    Card("history", "History", "buoy_history/ended.html", events=life, order=10),
]
