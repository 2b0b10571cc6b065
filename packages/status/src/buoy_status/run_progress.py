"""What a run reports (its progress), and what it asks (whether it is cancelled).

Neither may slow the job down or make it fail: both are throttled, and errors of Redis are logged.
"""

import time
from dataclasses import dataclass

from buoy import BrokerError, InvalidArguments, Job
from buoy.plugins import encode_json, seen_by_hooks
from buoy.plugins.redis import if_running

from . import store
from .plugin import Status, status_of
from .record import log
from .state import Number

INTERVAL = 0.2
"""Seconds between two reports, and between two questions."""
LARGEST_NUMBER = 1e300
LONGEST_NOTE = 1_000
"""Characters of a note that are kept."""
OUTAGE_PAUSE = 10.0
"""Seconds without a try after Redis could not be reached."""


@dataclass(slots=True)
class ProgressThrottle:
    """When one run may ask Redis again (``time.monotonic()``), and the last answer."""

    report_at: float = 0.0
    ask_at: float = 0.0
    lost: bool = False
    """Whether the run has lost its job: it was cancelled, or another worker has it."""

    def pause(self, job: Job, error: BrokerError) -> None:
        """Stop reports and questions for ``OUTAGE_PAUSE`` seconds."""
        self.report_at = self.ask_at = time.monotonic() + OUTAGE_PAUSE
        log.warning("%r: progress is not reported for %g s: %s", job, OUTAGE_PAUSE, error)

    def note_answer(self, has_job: bool) -> None:
        """Note what Redis answered: whether the run still has its job."""
        self.lost = self.lost or not has_job

    def begin_report(self, now: float, done: Number, of: Number | None) -> bool:
        """Return whether this report may be sent now; if so, the next one must wait. The last one
        (``done == of``) need not wait, except after an outage."""
        is_last = done == of and self.report_at - now <= INTERVAL
        if self.lost or (now < self.report_at and not is_last):
            return False
        self.report_at = now + INTERVAL
        return True

    def begin_question(self, now: float) -> bool:
        """Return whether Redis may be asked now; if so, the next question must wait."""
        if self.lost or now < self.ask_at:
            return False
        self.ask_at = now + INTERVAL
        return True


def progress(job: Job, done: Number, of: Number | None = None, note: str | None = None) -> None:
    """Report how far this run is: ``done`` of ``of``. At most five reports a second are sent, and
    always the last one (``done == of``). If Redis cannot be reached, that is logged, not raised.
    The reports of a run that has lost its job are dropped. Raises InvalidArguments."""
    job = seen_by_hooks(job)
    if throttle := throttle_if_due(job, done, of, note):
        text = encode_progress(job, done, of, note)
        try:
            steps = store.store_progress(job, text, ttl_of(job))
            throttle.note_answer(job.app.run_steps(steps))
        except BrokerError as error:
            throttle.pause(job, error)


async def aprogress(
    job: Job, done: Number, of: Number | None = None, note: str | None = None
) -> None:
    """Report how far this run is, in ``async def perform``; see progress. Awaits Redis."""
    job = seen_by_hooks(job)
    if throttle := throttle_if_due(job, done, of, note):
        text = encode_progress(job, done, of, note)
        try:
            steps = store.store_progress(job, text, ttl_of(job))
            throttle.note_answer(await job.app.arun_steps(steps))
        except BrokerError as error:
            throttle.pause(job, error)


def cancelled(job: Job) -> bool:
    """Whether this run has lost its job: it was cancelled, or another worker has it. Then it must
    stop. Only runs in threads need to ask; processes are killed, and coroutines are cancelled.
    Redis is asked at most five times a second."""
    job = seen_by_hooks(job)
    throttle = throttle_of(job)
    if throttle is None:
        return False
    if throttle.begin_question(time.monotonic()):
        try:
            throttle.note_answer(job.app.run_steps(if_running(job)))
        except BrokerError as error:
            throttle.pause(job, error)
    return throttle.lost


def throttle_of(job: Job) -> ProgressThrottle | None:
    """Returns the throttle of this run; None if no worker runs the job."""
    if not getattr(job, "token", "") or job.is_inline:
        return None
    throttle: ProgressThrottle = vars(job).setdefault("buoy_status", ProgressThrottle())
    return throttle


def throttle_if_due(
    job: Job, done: Number, of: Number | None, note: str | None
) -> ProgressThrottle | None:
    """Returns the throttle if this report is to be sent now, else None."""
    check_progress(done, of, note)
    throttle = throttle_of(job)
    if throttle is None or not throttle.begin_report(time.monotonic(), done, of):
        return None
    return throttle


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
    return encode_json({**fields, "at": round(time.time(), 3)})


def ttl_of(job: Job) -> float:
    """Returns the seconds for which the progress is kept."""
    return (status_of(job) or Status()).ttl
