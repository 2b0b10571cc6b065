"""Rates as people write them: ``100/60``, or ``100/60 burst 10``."""

import re

from buoy import ConfigurationError
from buoy.plugins.redis import Pace

from .plugin import LONGEST, MOST

PERIODS = (1, 60, 3600, 86400)
"""Seconds in which people count jobs."""
RATE = re.compile(r"([0-9]{1,7})/([0-9]{1,15}(?:\.[0-9]{1,6})?)(?: burst ([0-9]{1,7}))?")


def format_rate(pace: Pace) -> str:
    """Returns a rate as ``parse_rate`` reads it: jobs, and the seconds in which so many begin. What
    is no whole number in a second, a minute, an hour or a day is one job in its seconds."""
    text = f"1/{f'{pace.interval:.6f}'.rstrip('0').rstrip('.')}"
    for seconds in PERIODS:
        number = seconds / pace.interval
        if round(number) and abs(number - round(number)) <= 1e-6 * number * number:
            text = f"{round(number)}/{seconds}"
            break
    return text if pace.burst == 1 else f"{text} burst {pace.burst}"


def parse_rate(text: str) -> Pace:
    """Returns the rate in a text; raises ConfigurationError for anything else."""
    if found := RATE.fullmatch(text.strip()):
        number, seconds, burst = int(found[1]), float(found[2]), int(found[3] or 1)
        counts = 1 <= number <= MOST and 1 <= burst <= MOST
        if counts and 1e-6 <= seconds / number <= LONGEST:
            return Pace(seconds / number, burst)
    raise ConfigurationError(
        "rate: expected jobs and seconds, such as 100/60 or 100/60 burst 10, "
        f"0.000001 to {LONGEST} seconds for each job, got {text!r:.80}"
    )
