"""Entries in plain language."""

from .cron import Crontab
from .entry import Entry

UNITS = (("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


def described(entry: Entry) -> str:
    """When an entry fires, as one would say it."""
    if isinstance(entry.ticks, Crontab):
        return f"{cron_in_words(entry.ticks.spoken)} ({entry.tz})"
    if entry.every is None:
        return "never"
    return f"every {period_in_words(entry.every or 1)}"


def cron_in_words(expression: str) -> str:
    from cron_descriptor import FormatError, Options, get_description

    options = Options()
    options.use_24hour_time_format = True
    try:
        text: str = get_description(expression, options)
    except (FormatError, ValueError, KeyError, IndexError):  # it knows less than croniter
        return expression
    return text[:1].lower() + text[1:]


def period_in_words(seconds: int) -> str:
    """``90`` is "1 minute 30 seconds"; a single unit goes without its number."""
    parts = []
    for unit, length in UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}" if count == 1 else f"{count} {unit}s")
    return parts[0].removeprefix("1 ") if len(parts) == 1 else " ".join(parts)
