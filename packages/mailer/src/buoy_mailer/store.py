"""Keeps in Redis which failed jobs were reported by ``buoy mail failures --since-last``."""

import json
from typing import Any

from buoy import App

from .failure_report import Marks


def load_marks(app: App, report: str) -> Marks:
    """Returns the marks of a report, named by its recipients and queues. Empty before its first
    mail, and where the stored value cannot be read: then all failed jobs count as new."""
    text: Any = app.command("HGET", key(app), report)
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    marks = found if isinstance(found, dict) else {}
    return {queue: mark for queue, mark in marks.items() if is_mark(mark)}


def is_mark(found: object) -> bool:
    match found:
        case {"at": int() | float(), "ids": list()}:
            return True
    return False


def save_marks(app: App, report: str, marks: Marks) -> None:
    app.command("HSET", key(app), report, json.dumps(marks))


def key(app: App) -> str:
    """Hash: report -> its marks as JSON."""
    return app.global_key("mailer", "failures-reported")
