"""What this package keeps in Redis: how far each alarm has told of the failed jobs."""

import json
from typing import Any

from buoy import App

from .alarm import Marks


def seen(app: App, alarm: str) -> Marks:
    """The marks of an alarm; none before its first mail."""
    text: Any = app.command("HGET", key(app), alarm)
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    marks = found if isinstance(found, dict) else {}
    return {queue: mark for queue, mark in marks.items() if is_mark(mark)}


def is_mark(found: object) -> bool:
    """Whether it can be read. If not, all failed jobs are new: rather an alarm too many."""
    match found:
        case {"at": int() | float(), "ids": list()}:
            return True
    return False


def see(app: App, alarm: str, marks: Marks) -> None:
    """Remember how far an alarm has told."""
    app.command("HSET", key(app), alarm, json.dumps(marks))


def key(app: App) -> str:
    return app.global_key("mailer", "failures-seen")
