"""The audit log: what the dashboard changed, when, for whom. Redis keeps the last 1000."""

import json
from dataclasses import dataclass

from buoy import App

from .access import Person

MOST = 1000


@dataclass(frozen=True)
class AuditEntry:
    """One change. ``at``: epoch seconds; ``action``: its path; ``said``: what was done."""

    at: float
    who: str
    role: str
    action: str
    said: str


def audit_key(app: App) -> str:
    return f"{app.settings.namespace}:web:audit"


def note(app: App, person: Person, action: str, said: str) -> None:
    """Add a change to the log. Raises BrokerError."""
    fields = json.dumps({"who": person.name, "role": person.role, "action": action, "said": said})
    app.command("XADD", audit_key(app), "MAXLEN", "~", MOST, "*", "entry", fields)


def read(app: App, since: float = 0.0) -> list[AuditEntry]:
    """Returns the entries since a time (epoch seconds), the newest first; skips what it has not
    written. Raises BrokerError."""
    first = f"{max(0, int(since * 1000))}-0"
    found = app.command("XREVRANGE", audit_key(app), "+", first, "COUNT", 2 * MOST)
    entries = (entry_of(id, fields) for id, fields in found)
    return [entry for entry in entries if entry is not None]


def entry_of(id: bytes, fields: list[bytes]) -> AuditEntry | None:
    try:
        values = json.loads(fields[1])
        words = [str(values[name]) for name in ("who", "role", "action", "said")]
    except (ValueError, TypeError, KeyError, IndexError):
        return None
    return AuditEntry(int(id.split(b"-")[0]) / 1000, *words)
