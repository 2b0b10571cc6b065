"""What is kept in Redis: all of it in the slot of the job's queue, all of it for a time only."""

import time
from collections.abc import Sequence
from typing import Any

from buoy import App, Job, RedisFull
from buoy.broker.script_arguments import text
from buoy.broker.scripts import scripted
from buoy.connection.client import RedisSteps, only
from buoy.model.identity import identifier
from buoy.model.names import is_queue
from buoy.model.payload import Payload
from buoy.model.transition import Word

from . import record

PACKAGE = "buoy_status"
FULL_SECONDS = 0.5
"""How long those sleep who cannot be woken, as long as Redis is full."""
SLACK = 0.25
"""By how much of its ttl the last job with an identifier is known for longer than it must be: so
that the end of a job that took no more than that has nothing to renew."""
RING_MS = 10_000
"""How long a ring lasts at least: longer than those who wait for it do so at a time."""


def likeness(name: str, same: str) -> str:
    """What the jobs of a class with the same identifier have in common, and no job of another
    class: two classes may have made the same one."""
    return identifier(name, [same], {})


def last_key(app: App, queue: str, like: str) -> str:
    """String: the id of the last job of this likeness that was enqueued."""
    return app.key(queue, "status", "last", like)


def record_key(app: App, queue: str, id: str) -> str:
    """String: the record of a job's end; until then that it was enqueued."""
    return app.key(queue, "status", "record", id)


def progress_key(app: App, queue: str, id: str) -> str:
    """String: what a run last said of its progress, and its token."""
    return app.key(queue, "status", "progress", id)


def ring_key(app: App, queue: str, id: str) -> str:
    """Stream: there while somebody waits for the end of a job, which is told there."""
    return app.key(queue, "status", "ring", id)


def claim_of(like: str) -> str:
    """The key under which the core knows the latest live job of this likeness."""
    return f"status:{like}"


# Attached to transitions


def enter(job: Job, ttl: float) -> None:
    """Make a new job known: to the core while it lives, and for a time to those who ask later."""
    lasting = whole_ms(ttl) + wait_ms(job)
    like = likeness(job.name, job.identifier)
    last = last_key(job.app, job.queue, like)
    job.transition.latest(claim_of(like))
    job.transition.then("SET", last, job.id, "PX", lasting + whole_ms(ttl * SLACK))
    key = record_key(job.app, job.queue, job.id)
    job.transition.then("SET", key, record.UNKNOWN, "PX", lasting)


def wait_ms(job: Job) -> int:
    """How long it is until the job is due."""
    if job.due.startswith("+"):
        return int(job.due)
    return max(0, int(job.due) - round(time.time() * 1000)) if job.due else 0


def whole_ms(ttl: float) -> int:
    return max(1, round(ttl * 1000))


def end(job: Job, told: str, ttl: float) -> None:
    """Keep the record of how the job ended, and tell those who wait for it."""
    commands = recording(job.app, job.queue, job.id, told, ttl)
    payload, transition = job.payload, job.transition
    if not (is_known(payload) and 0 <= time.time() - payload.enqueued_at < ttl * SLACK):
        like = likeness(job.name, job.identifier)
        commands += renewing(job.app, job.queue, job.id, like, ttl)
    for command in commands:
        transition.then(*command)  # type: ignore[arg-type]  # command and key are texts


def is_known(payload: Payload) -> bool:
    """Whether it was made known when it was enqueued; not so what was pushed by its name."""
    # Whatever the payload holds there: a job that has done its work must not fail for it.
    return "'status:" in str(payload.claims)


def recording(app: App, queue: str, id: str, told: str, ttl: float) -> list[list[Word]]:
    """Keep the record, and ring where somebody waits for it."""
    return [
        ["SET", record_key(app, queue, id), told, "PX", whole_ms(ttl)],
        ["XADD", ring_key(app, queue, id), "NOMKSTREAM", "*", "ended", 1],
    ]


def renewing(app: App, queue: str, id: str, like: str, ttl: float) -> list[list[Word]]:
    """Let the job be found as the last one of its likeness for as long as its record."""
    last, lasting = last_key(app, queue, like), whole_ms(ttl)
    return [
        # A later job of this likeness is not pushed aside by one that took longer.
        ["SET", last, id, "NX", "PX", lasting],
        ["PEXPIRE", last, lasting],
    ]


# Beside transitions: what a run says and asks


def say(job: Job, progress: str, ttl: float) -> bool:
    """Note the progress of a run; False if it has lost its job."""
    return bool(job.app.script(PACKAGE, "progress", *saying(job, progress, ttl)))


async def asay(job: Job, progress: str, ttl: float) -> bool:
    """The same, awaiting Redis."""
    return bool(await job.app.ascript(PACKAGE, "progress", *saying(job, progress, ttl)))


def saying(job: Job, progress: str, ttl: float) -> tuple[list[str], list[Word]]:
    keys = [job.app.key(job.queue, "tokens"), progress_key(job.app, job.queue, job.id)]
    return keys, [job.id, job.token, progress, whole_ms(ttl)]


def token(job: Job) -> str | None:
    """The token of the run that holds the job now."""
    found = job.app.command("HGET", job.app.key(job.queue, "tokens"), job.id)
    return None if found is None else found.decode()


# Questions, for those who block and those who await


def latest(app: App, queue: str, like: str) -> RedisSteps[str]:
    """Which job is meant by a likeness: an id or nothing."""
    keys = [app.key(queue, "claims"), last_key(app, queue, like)]
    return text((yield from asked("latest", keys, [claim_of(like)])))


def state(app: App, queue: str, id: str) -> RedisSteps[list[str]]:
    """What is known of a job: payload, place, its detail, record, progress."""
    keys = [app.key(queue, part) for part in ("jobs", "delayed", "failed", "tokens")]
    keys += [record_key(app, queue, id), progress_key(app, queue, id)]
    return [text(each) for each in (yield from asked("state", keys, [id]))]


def queues(app: App) -> RedisSteps[list[str]]:
    """All queues that there are."""
    names = only((yield [["SMEMBERS", app.global_key("queues")]]))
    return sorted(filter(is_queue, map(text, names)))


def listen(app: App, queue: str, id: str) -> RedisSteps[str]:
    """Be one of those who will be told of the end of a job; returns what is old news by now."""
    try:
        return text((yield from asked("listen", [ring_key(app, queue, id)], [RING_MS])))
    except RedisFull:
        return ""


def hear(app: App, queue: str, id: str, old: str, seconds: float) -> RedisSteps[None]:
    """Wait for news in the ring of a job."""
    if old:
        ring, patience = ring_key(app, queue, id), max(1, round(seconds * 1000))
        only((yield [["XREAD", "BLOCK", patience, "STREAMS", ring, old]]))
    else:  # Redis is full, so nobody can be told
        yield min(seconds, FULL_SECONDS)


def asked(name: str, keys: Sequence[str], words: Sequence[Word]) -> RedisSteps[Any]:
    from buoy.broker.scripts import script

    return only((yield from scripted([(script(PACKAGE, name), keys, words)])))
