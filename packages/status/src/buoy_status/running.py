"""What a running job says of itself, and what it asks: never at the cost of the job."""

import time
from dataclasses import dataclass

from buoy import BrokerError, InvalidArguments, Job
from buoy.jobs.facts import seen_by_hooks
from buoy.model.strict_json import encode
from buoy.process.logs import logger

from . import store
from .plugin import Status, is_inline, status_of
from .record import LOG
from .state import Number

PAUSE = 0.2
"""Seconds between two words with Redis."""
MOST = 1e300
LONGEST_NOTE = 1_000
"""Characters that are kept of a note."""
OUTAGE = 10.0
"""Seconds for which a Redis that could not be reached is left alone."""


@dataclass(slots=True)
class Talk:
    """What one run has said and heard of late."""

    say_at: float = 0.0
    ask_at: float = 0.0
    lost: bool = False

    def failed(self, job: Job, error: BrokerError) -> None:
        """Leave Redis alone for a while."""
        self.say_at = self.ask_at = time.monotonic() + OUTAGE
        logger(LOG).warning("%r: progress is not told for %g s: %s", job, OUTAGE, error)


def progress(job: Job, done: Number, of: Number | None = None, note: str | None = None) -> None:
    """Say how far this run is. At most five times a second it is sent, and always when all is
    done; a Redis that is away is no error. A run that has lost its job says nothing any more."""
    job = seen_by_hooks(job)
    if talk := talk_to_say(job, done, of, note):
        try:
            told(talk, store.say(job, said(job, done, of, note), ttl_of(job)))
        except BrokerError as error:
            talk.failed(job, error)


async def aprogress(
    job: Job, done: Number, of: Number | None = None, note: str | None = None
) -> None:
    """The same, for ``async def perform``: Redis is awaited."""
    job = seen_by_hooks(job)
    if talk := talk_to_say(job, done, of, note):
        try:
            told(talk, await store.asay(job, said(job, done, of, note), ttl_of(job)))
        except BrokerError as error:
            talk.failed(job, error)


def cancelled(job: Job) -> bool:
    """Whether this run has lost its job, because that was cancelled or another worker has it: then
    stop. For jobs in threads; in a child and on an event loop they are ended anyway."""
    job = seen_by_hooks(job)
    talk, now = talk_of(job), time.monotonic()
    if talk is None or talk.lost or now < talk.ask_at:
        return talk is not None and talk.lost
    talk.ask_at = now + PAUSE
    try:
        talk.lost = store.token(job) != job.token
    except BrokerError as error:
        talk.failed(job, error)
    return talk.lost


def talk_of(job: Job) -> Talk | None:
    """The talk of this run; None outside of a worker: there is nobody to talk to."""
    if not getattr(job, "token", "") or is_inline(job):
        return None
    talk: Talk = vars(job).setdefault("buoy_status", Talk())
    return talk


def talk_to_say(job: Job, done: Number, of: Number | None, note: str | None) -> Talk | None:
    """The talk, if it is time to say this."""
    check(done, of, note)
    talk, now = talk_of(job), time.monotonic()
    if talk is None or talk.lost or (now < talk.say_at and not last_word(talk, now, done, of)):
        return None
    talk.say_at = now + PAUSE
    return talk


def last_word(talk: Talk, now: float, done: Number, of: Number | None) -> bool:
    """Whether all is done, and Redis was not away of late."""
    return done == of and talk.say_at - now <= PAUSE


def told(talk: Talk, held: bool) -> None:
    talk.lost = talk.lost or not held


def check(done: Number, of: Number | None, note: str | None) -> None:
    for name, value in (("done", done), ("of", 0 if of is None else of)):
        if not (isinstance(value, int | float) and -MOST < value < MOST):
            raise InvalidArguments(f"progress: {name}: expected a number, got {brief(value)}")
    if not isinstance(note, str | None):
        raise InvalidArguments(f"progress: note: expected a text, got {brief(note)}")


def brief(value: object) -> str:
    return type(value).__name__ if isinstance(value, int) else f"{value!r:.80}"


def said(job: Job, done: Number, of: Number | None, note: str | None) -> str:
    if note is not None:
        note = note[:LONGEST_NOTE].encode(errors="backslashreplace").decode()
    facts = {"token": job.token, "done": done, "of": of, "note": note}
    return encode({**facts, "at": round(time.time(), 3)})


def ttl_of(job: Job) -> float:
    return (status_of(job) or Status()).ttl
