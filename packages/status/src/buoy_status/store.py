"""What this package keeps in Redis. All keys are in the slot of the job's queue, and expire."""

import math
import time
from collections.abc import Sequence
from typing import Any

from buoy import App, BrokerError, Job, RedisFull
from buoy.plugins import identifier
from buoy.plugins.redis import (
    JobView,
    RedisSteps,
    claim_holder,
    command_steps,
    find_job,
    if_running,
    lua_steps,
)

from . import record

CommandArg = str | int | float

PACKAGE = "buoy_status"
FULL_REDIS_PAUSE = 0.5
"""Seconds between two looks while Redis is full, so that a waiting program cannot be woken."""
SPARE_TTL = 0.25
"""The part of ``ttl`` for which the id of the last job is kept longer than necessary. The end of a
job that took less than that need not renew the key."""
CLAIM_PREFIX = "status:"
"""The names of this plugin's claims begin with it."""
WAKEUP_MS = 10_000
"""Milliseconds for which a wakeup stream is kept: longer than one blocking read of it."""


def identity_digest(name: str, identifier_: str) -> str:
    """Returns a digest of a job's class and identifier. Jobs of two classes may have one
    identifier."""
    return identifier(name, [identifier_], {})


def last_key(app: App, queue: str, digest: str) -> str:
    """String: the id of the last enqueued job with this identity digest."""
    return app.key(queue, "status", "last", digest)


def record_key(app: App, queue: str, id: str) -> str:
    """String: the record of a job's end; before its end, record.NOT_ENDED."""
    return app.key(queue, "status", "record", id)


def progress_key(app: App, queue: str, id: str) -> str:
    """String: the last reported progress, with the token of its run."""
    return app.key(queue, "status", "progress", id)


def wakeup_key(app: App, queue: str, id: str) -> str:
    """Stream: exists while programs wait for the end of a job; its end adds an entry."""
    return app.key(queue, "status", "wakeup", id)


def claim_of(digest: str) -> str:
    """Returns the name of the claim of the latest live job with this identity digest."""
    return CLAIM_PREFIX + digest


# Attached to transitions


def attach_enqueued(job: Job, ttl: float) -> None:
    """Let the enqueueing of a job store its id as the latest one of its class and identifier, and
    a record without an end. Both are kept for ``ttl`` seconds after the job is due."""
    lasting = whole_ms(ttl) + job.due.wait_ms()
    digest = identity_digest(job.name, job.identifier)
    last = last_key(job.app, job.queue, digest)
    job.transition.latest(claim_of(digest))
    job.transition.then("SET", last, job.id, "PX", lasting + whole_ms(ttl * SPARE_TTL))
    key = record_key(job.app, job.queue, job.id)
    job.transition.then("SET", key, record.NOT_ENDED, "PX", lasting)


def whole_ms(ttl: float) -> int:
    """Returns seconds as milliseconds, at least 1: Redis refuses 0."""
    return max(1, round(ttl * 1000))


def attach_ended(job: Job, ended: str, ttl: float) -> None:
    """Let the settlement of a job store the record of its end, and wake the waiting programs."""
    commands = record_commands(job.app, job.queue, job.id, ended, ttl)
    transition, age = job.transition, time.time() - job.payload.enqueued_at
    if not (is_known(job.payload.claims) and 0 <= age < ttl * SPARE_TTL):
        digest = identity_digest(job.name, job.identifier)
        commands += renew_commands(job.app, job.queue, job.id, digest, ttl)
    for command in commands:
        transition.then(*command)  # type: ignore[arg-type]  # the command and the key are str


def is_known(claims: object) -> bool:
    """Whether the job was enqueued with this plugin. A job that was pushed by name was not."""
    # The claims may be anything: a job that has done its work must not fail because of them.
    for claim in claims if isinstance(claims, list | tuple) else ():
        match claim:
            case [str(name), "latest"] if name.startswith(CLAIM_PREFIX):
                return True
    return False


def record_commands(
    app: App, queue: str, id: str, ended: str, ttl: float
) -> list[list[CommandArg]]:
    """Returns the commands that store the record of an end, and wake the waiting programs."""
    return [
        ["SET", record_key(app, queue, id), ended, "PX", whole_ms(ttl)],
        ["XADD", wakeup_key(app, queue, id), "NOMKSTREAM", "*", "ended", 1],
    ]


def renew_commands(
    app: App, queue: str, id: str, digest: str, ttl: float
) -> list[list[CommandArg]]:
    """Returns the commands that keep the id of the last job for as long as its record."""
    last, lasting = last_key(app, queue, digest), whole_ms(ttl)
    return [
        # NX: a later job with this identity digest remains the last one.
        ["SET", last, id, "NX", "PX", lasting],
        ["PEXPIRE", last, lasting],
    ]


# What a run reports and asks


def store_progress(job: Job, progress: str, ttl: float) -> RedisSteps[bool]:
    """Store the progress of a run for ``ttl`` seconds; returns False if the run has lost its job.
    Raises BrokerError."""
    key = progress_key(job.app, job.queue, job.id)
    return if_running(job, [["SET", key, progress, "PX", whole_ms(ttl)]])


# Questions, as steps for both blocking and asynchronous callers


def latest(app: App, queue: str, digest: str) -> RedisSteps[str]:
    """Returns the id of the latest job with this identity digest; "" if there is none."""
    last = ["GET", last_key(app, queue, digest)]
    holder, found = yield from claim_holder(app, queue, claim_of(digest), last)
    return holder or (found or b"").decode(errors="surrogateescape")


def state(app: App, queue: str, id: str) -> RedisSteps[tuple[JobView | None, str, str]]:
    """Returns the job if the queue has it, its record and its progress."""
    keys = [record_key(app, queue, id), progress_key(app, queue, id)]
    view, (record, progress) = yield from find_job(app, queue, id, keys)
    return view, record, progress


def stored_texts(
    app: App, id: str, queues: Sequence[str]
) -> RedisSteps[list[tuple[str, str, str]]]:
    """Returns the record of a job and its progress in each of these queues, behind the name of the
    queue, in one round trip; "" for what is not there."""
    keys = [(record_key(app, queue, id), progress_key(app, queue, id)) for queue in queues]
    replies: list[Any] = yield [["MGET", *pair] for pair in keys]
    return [(queue, *texts_of(reply)) for queue, reply in zip(queues, replies, strict=True)]


def texts_of(reply: Any) -> tuple[str, str]:
    """Returns record and progress in a reply of Redis. Raises BrokerError if it is an error."""
    if isinstance(reply, BrokerError):
        raise reply
    record, progress = ((text or b"").decode(errors="replace") for text in reply)
    return record, progress


def progress_texts(app: App, jobs: Sequence[JobView]) -> RedisSteps[list[str]]:
    """Returns what the runs of these jobs have reported, in one round trip; "" for nothing."""
    keys: dict[str, list[str]] = {}  # by queue: a node of a cluster has all of a queue
    for job in jobs:
        keys.setdefault(job.queue, []).append(progress_key(app, job.queue, job.id))
    replies: list[Any] = yield [["MGET", *some] for some in keys.values()]
    found: dict[str, bytes | None] = {}
    for some, reply in zip(keys.values(), replies, strict=True):
        found |= {} if isinstance(reply, BrokerError) else zip(some, reply, strict=True)
    texts = (found.get(progress_key(app, job.queue, job.id)) for job in jobs)
    return [(text or b"").decode(errors="replace") for text in texts]


def subscribe(app: App, queue: str, id: str) -> RedisSteps[str]:
    """Make sure that the wakeup stream of a job exists; returns its last entry. Returns "" if Redis
    is full, so that the stream cannot be made."""
    try:
        stream = wakeup_key(app, queue, id)
        last: bytes = yield from lua_steps(PACKAGE, "subscribe", [stream], [WAKEUP_MS])
        return last.decode()
    except RedisFull:
        return ""


def wait_for_wakeup(app: App, queue: str, id: str, last: str, seconds: float) -> RedisSteps[None]:
    """Wait at most ``seconds`` for an entry after ``last`` in the wakeup stream of a job."""
    if last:
        # Rounded up: who wakes before the time is over reads the state once more for nothing.
        stream, milliseconds = wakeup_key(app, queue, id), max(1, math.ceil(seconds * 1000))
        yield from command_steps("XREAD", "BLOCK", milliseconds, "STREAMS", stream, last)
    else:  # Redis is full, so there is no stream
        yield min(seconds, FULL_REDIS_PAUSE)
