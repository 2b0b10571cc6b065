"""What operators change while jobs run: limits and rates are set, throttles are lifted."""

from buoy import App, ConfigurationError
from buoy.plugins.redis import Pace

from .plugin import MOST
from .rates import format_rate, parse_rate

DECLARED = "as declared"


def parse(key: str, text: str) -> int | Pace:
    """Returns the limit, or of the key of a rate the rate, in a text; raises ConfigurationError for
    anything else."""
    if key.startswith("Rate:"):
        return parse_rate(text)
    return parse_limit(text)


def parse_limit(text: str) -> int:
    """Returns the limit in a text; raises ConfigurationError for anything else."""
    if text.isascii() and text.isdigit() and int(text[:20]) <= MOST:
        return int(text)
    raise ConfigurationError(f"limit: expected a whole number, 0 to {MOST}, got {text!r:.80}")


def check_settable(key: str) -> None:
    """Raise ConfigurationError for a key whose number only its class tells."""
    if key.startswith(("Throttle:", "Debounce:")):
        raise ConfigurationError(
            f"{key}: expected the key of a limit or a rate; the seconds of a throttle and of a "
            "debounce are changed in the class: jobs that are enqueued from then on have the new "
            "ones"
        )


def change(app: App, queue: str, key: str, wanted: int | Pace | None) -> str:
    """Set a limit or a rate in place of the one that the classes declare; with None, let that count
    again. Returns what holds now, and how many jobs that has moved."""
    if key.startswith("Rate:"):
        pace = wanted if isinstance(wanted, Pace) else None
        changed = app.control.set_pace(queue, key, *(pace or (None,)))
        now = format_rate(pace) if pace else DECLARED
        return f"{key}: {now}; {counted(changed)} given other times"
    limit = wanted if isinstance(wanted, int) else None
    queued = app.control.set_limit(queue, key, limit)
    return f"{key}: {DECLARED if limit is None else limit}; {counted(queued)} queued"


def lift(app: App, queue: str, key: str) -> str:
    """Lift a throttle; returns what was done."""
    holder = app.control.lift_throttle(queue, key)
    of_whom = f"job {holder} throttles no other one" if holder else "no job throttled others"
    return f"{key}: lifted; {of_whom}"


def counted(jobs: int) -> str:
    return "1 job was" if jobs == 1 else f"{jobs} jobs were"
