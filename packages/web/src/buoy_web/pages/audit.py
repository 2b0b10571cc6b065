"""What was changed by the dashboard, and by whom."""

import time

from ..audit import MOST, AuditEntry, read
from ..page import Action, Page, Values, Visit
from ..search import seconds_of

SHOWN = 100


def show(visit: Visit) -> Values:
    who, what, age = (visit.get(name).strip() for name in ("who", "what", "age"))
    start = visit.number("start", 0, 2 * MOST)
    since = time.time() - seconds_of(age) if age else 0.0
    found = [each for each in read(visit.app, since) if matches(each, who.lower(), what.lower())]
    return {
        "entries": found[start : start + SHOWN],
        "total": len(found),
        "start": start,
        "shown": SHOWN,
        "who": who,
        "what": what,
        "age": age,
    }


def matches(entry: AuditEntry, who: str, what: str) -> bool:
    """Whether a person's name or role has one text, and what was done, or its path, the other."""
    return who in f"{entry.who} {entry.role}".lower() and (
        what in entry.said.lower() or what in entry.action.lower()
    )


PARTS: list[Page | Action] = [Page("audit", show, "buoy_web/audit.html", "Audit", 90)]
