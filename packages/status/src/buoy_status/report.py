"""The reports of a run: when one is sent, and what it says.

Reports may neither slow the job down nor make it fail: they are throttled, and errors of Redis are
logged.
"""

import time
from dataclasses import dataclass

from buoy import BrokerError, InvalidArguments, Job, SealError
from buoy.plugins import SEALED, encode_json, is_sealed, log_fields, seal_text
from buoy.plugins.redis import RedisSteps

from . import store
from .record import log
from .state import NOTE, Number

INTERVAL = 0.2
"""Seconds between two reports."""
LARGEST_NUMBER = 1e300
LONGEST_NOTE = 1_000
"""Characters of a note that are kept."""
OUTAGE_PAUSE = 10.0
"""Seconds without a try after Redis could not be reached."""


@dataclass(slots=True)
class ReportThrottle:
    """When one run may send the next report (``time.monotonic()``), and the last answer."""

    report_at: float = 0.0
    lost: bool = False
    """Whether the run has lost its job: it was cancelled, or another worker has it."""

    def pause(self, job: Job, error: BrokerError) -> None:
        """Stop reports for ``OUTAGE_PAUSE`` seconds."""
        self.report_at = time.monotonic() + OUTAGE_PAUSE
        text, fields = "%r: progress is not reported for %g s: %s", log_fields(job)
        log.warning(text, job, OUTAGE_PAUSE, error, extra=fields)

    def begin(self, now: float, done: Number, of: Number | None) -> bool:
        """Returns whether this report may be sent now; if so, the next one must wait. The last one
        (``done == of``) need not wait, except after an outage."""
        is_last = done == of and self.report_at - now <= INTERVAL
        if self.lost or (now < self.report_at and not is_last):
            return False
        self.report_at = now + INTERVAL
        return True


def report_steps(
    job: Job, done: Number, of: Number | None, note: str | None, ttl: float
) -> RedisSteps[None]:
    """Sends a report to Redis, if it may be sent now, to be kept for ``ttl`` seconds. Raises
    InvalidArguments."""
    if throttle := throttle_if_due(job, done, of, note):
        text = encode_progress(job, done, of, note)
        try:
            throttle.lost = not (yield from store.store_progress(job, text, ttl))
        except BrokerError as error:
            throttle.pause(job, error)


def throttle_if_due(
    job: Job, done: Number, of: Number | None, note: str | None
) -> ReportThrottle | None:
    """Returns the throttle of this run if this report is to be sent now; None if not, and if no
    worker runs the job."""
    check_progress(done, of, note)
    if not getattr(job, "token", "") or job.is_inline:
        return None
    throttle: ReportThrottle = vars(job).setdefault("buoy_status", ReportThrottle())
    return throttle if throttle.begin(time.monotonic(), done, of) else None


def check_progress(done: Number, of: Number | None, note: str | None) -> None:
    """Raises InvalidArguments."""
    for name, value in (("done", done), ("of", 0 if of is None else of)):
        valid = isinstance(value, int | float) and -LARGEST_NUMBER < value < LARGEST_NUMBER
        if not valid:
            raise InvalidArguments(
                f"progress: {name}: expected a number, got {shorten_value(value)}"
            )
    if not isinstance(note, str | None):
        raise InvalidArguments(f"progress: note: expected a text, got {shorten_value(note)}")


def shorten_value(value: object) -> str:
    """Returns the value for an error message. A large integer may be too long to format."""
    return type(value).__name__ if isinstance(value, int) else f"{value!r:.80}"


def encode_progress(job: Job, done: Number, of: Number | None, note: str | None) -> str:
    if note is not None:
        note = note[:LONGEST_NOTE].encode(errors="backslashreplace").decode()
    fields = {"token": job.token, "done": done, "of": of, "note": note}
    fields |= sealed_note(job, note) if note and is_sealed(job) else {}
    return encode_json({**fields, "at": round(time.time(), 3)})


def sealed_note(job: Job, note: str) -> dict[str, str | None]:
    """Returns the fields that keep a note if the class of the job seals its arguments; without keys
    it is not kept."""
    try:
        sealed = seal_text(job.name, job.id, note, NOTE)
    except SealError:
        return {"note": SEALED}
    return {"note": SEALED, "sealed": sealed, "class": job.name}
