"""The times of entries in plain English."""

from functools import lru_cache

from buoy.plugins.text import UNIT_NAMES, UNIT_SECONDS

from .cron import Crontab
from .entry import Entry


def describe_times(entry: Entry) -> str:
    """Returns when an entry fires, like "at 08:00 (Europe/Berlin)" or "every 5 minutes"."""
    if isinstance(entry.ticks, Crontab):
        return f"{cron_in_words(entry.ticks.describable)} ({entry.tz})"
    if entry.every is None:
        return "never"
    return f"every {period_in_words(entry.every or 1)}"


@lru_cache(1024)
def cron_in_words(expression: str) -> str:
    """Returns a cron expression in plain English; the expression itself when it cannot be
    described."""
    from cron_descriptor import FormatError, Options, get_description

    options = Options()
    options.use_24hour_time_format = True
    try:
        text: str = get_description(expression, options)
    except (FormatError, ValueError, KeyError, IndexError):  # it supports less than croniter
        return expression
    return text[:1].lower() + text[1:]


def period_in_words(seconds: int) -> str:
    """Returns a period in plain English: 90 is "1 minute 30 seconds", 60 is "minute" (after
    "every")."""
    parts = []
    for unit, length in UNIT_SECONDS.items():
        count, seconds = divmod(seconds, length)
        name = UNIT_NAMES[unit]
        if count:
            parts.append(f"{count} {name}" if count == 1 else f"{count} {name}s")
    return parts[0].removeprefix("1 ") if len(parts) == 1 else " ".join(parts)
