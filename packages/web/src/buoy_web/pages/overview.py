"""The first page: all queues, what they need, and how much Redis holds."""

from buoy.plugins.operators import together
from buoy.plugins.redis import steps_of

from ..activity import SPANS, span_of
from ..deploys import read_deploys
from ..page import Action, Page, Values, Visit
from ..queue_rows import QueueRow, read_rows, total_of
from ..redis_facts import read_redis_facts

SHOWN = 25
"""How many queues are shown at first."""


def show(visit: Visit) -> Values:
    span = span_of(visit.get("span"))
    app = visit.app
    found, redis, deploys, paused_since = app.run_steps(
        together(
            read_rows(app, span),
            read_redis_facts(),
            read_deploys(app),
            steps_of(app.monitor.paused_since),
        )
    )
    whole = visit.get("queues") == "all" or len(found.rows) <= SHOWN
    return {
        "span": span,
        "spans": SPANS,
        "chart": found.recent.chart(deploys),
        "queues": found.rows if whole else most_urgent(found.rows),
        "queues_in_all": len(found.rows),
        "missed": found.missed,
        "total": total_of(found.rows),
        "alarms": [row for row in found.rows if row.held_up],
        "redis": redis,
        "paused_since": paused_since,
    }


def most_urgent(rows: list[QueueRow]) -> list[QueueRow]:
    """Returns SHOWN queues by name: those whose jobs nobody takes, then those with the longest
    latency, then the busiest."""
    urgent = sorted(rows, key=lambda row: (not row.held_up, -row.latency, -row.incoming))
    return sorted(urgent[:SHOWN], key=lambda row: row.name)


PARTS: list[Page | Action] = [Page("", show, "buoy_web/overview.html", "Overview", 0)]
