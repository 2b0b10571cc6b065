"""Whether a run has lost its job: what ``job.cancelled()`` asks Redis.

It may neither slow the job down nor make it fail: it is throttled, and errors of Redis are logged.
"""

import time
from dataclasses import dataclass

from ..connection.client import RedisSteps
from ..errors import BrokerError
from ..jobs.facts import Facts
from ..jobs.run_log import log_fields, write
from ..process.logs import WARNING
from .plugin_access import if_running

INTERVAL = 0.2
"""Seconds between two questions."""
OUTAGE_PAUSE = 10.0
"""Seconds without a question after Redis could not be reached."""


@dataclass(slots=True)
class LastAnswer:
    """What Redis has answered to a run, and when it may be asked again (``time.monotonic()``)."""

    lost: bool = False
    ask_at: float = 0.0


def has_lost(known: Facts) -> RedisSteps[bool]:
    """Asks Redis whether this run has lost its job, if it may be asked now."""
    if not known.token or known.is_inline:
        return False
    answer: LastAnswer = known.asked or LastAnswer()
    known.asked = answer
    if not answer.lost and time.monotonic() >= answer.ask_at:
        job = known.job()
        answer.ask_at = time.monotonic() + INTERVAL
        try:
            answer.lost = not (yield from if_running(job))
        except BrokerError as error:
            answer.ask_at = time.monotonic() + OUTAGE_PAUSE
            text = "does not ask for %g s whether it is cancelled: %s"
            write(WARNING, log_fields(job), text, [OUTAGE_PAUSE, error])
    return answer.lost
