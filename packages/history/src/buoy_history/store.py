"""What this package keeps in Redis. All keys are in the slot of the job's queue."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from buoy import App, BrokerError, Job
from buoy.plugins.redis import Page, PageSteps, RedisSteps

from .record import FIELDS, EndedJob, ended_job

Read = Callable[[int], object]
FIRST_PAGE, PAGE = 20, 500
"""How many entries to read of a stream at once: at first, and then."""


def ended_key(app: App, queue: str, name: str) -> str:
    """Stream: how jobs of a class have ended, the oldest first. It expires."""
    return app.key(queue, "history", "of", name)


def classes_key(app: App, queue: str) -> str:
    """Sorted set: the classes with such a stream, by when it expires (milliseconds)."""
    return app.key(queue, "history", "classes")


# Attached to transitions


def attach_ended(job: Job, fields: Mapping[str, str], keep: float, most: int) -> None:
    """Let the settlement of a job store how it ended, and remove what is too old or too much."""
    now, lasting = round(time.time() * 1000), max(1, round(keep * 1000))
    key, classes = ended_key(job.app, job.queue, job.name), classes_key(job.app, job.queue)
    entry = [word for name in FIELDS for word in (name, fields.get(name, ""))]
    then = job.transition.then
    then("XADD", key, "MAXLEN", "~", most, "*", *entry)
    then("XTRIM", key, "MINID", "~", now - lasting)
    then("PEXPIRE", key, lasting)
    then("ZADD", classes, now + lasting, job.name)
    then("ZREMRANGEBYSCORE", classes, "-inf", now)


# Questions


@dataclass(frozen=True, slots=True)
class Stream:
    """The ends of the jobs of one class in one queue."""

    queue: str
    name: str
    key: str

    def entries(self, reply: Iterable[Any]) -> list[EndedJob]:
        """Returns the entries in a reply of Redis."""
        found = []
        for entry, words in reply:
            texts = [word.decode(errors="replace") for word in words]
            fields = dict(zip(texts[::2], texts[1::2], strict=False))
            found.append(ended_job(self.queue, self.name, entry.decode(), fields))
        return found


def streams(app: App, queues: Sequence[str]) -> RedisSteps[list[Stream]]:
    """Returns the streams of all classes in these queues. Raises BrokerError."""
    replies = yield [["ZRANGE", classes_key(app, queue), 0, -1] for queue in queues]
    found = []
    for queue, reply in zip(queues, checked(replies), strict=True):
        for word in reply:
            name = word.decode(errors="replace")
            found.append(Stream(queue, name, ended_key(app, queue, name)))
    return found


def lengths(found: Sequence[Stream]) -> RedisSteps[list[int]]:
    """Returns how many entries each stream has. Raises BrokerError."""
    return checked((yield [["XLEN", stream.key] for stream in found]))


def newest_pages(
    found: Sequence[Stream], count: int, since: float | None, until: float | None
) -> RedisSteps[list[list[EndedJob]]]:
    """Returns the ``count`` newest entries of each stream within this time. Raises BrokerError."""
    last, first = last_id(until), first_id(since)
    replies = yield [["XREVRANGE", stream.key, last, first, "COUNT", count] for stream in found]
    pairs = zip(found, checked(replies), strict=True)
    return [stream.entries(reply) for stream, reply in pairs]


def first_and_newest_pages(
    found: Sequence[Stream], count: int, since: float | None
) -> RedisSteps[list[list[EndedJob]]]:
    """Returns the ``count`` first entries of each stream since this time, and the ``count`` newest,
    each as a page. Raises BrokerError."""
    first = first_id(since)
    commands: list[list[Any]] = []
    for stream in found:
        commands.append(["XRANGE", stream.key, first, "+", "COUNT", count])
        commands.append(["XREVRANGE", stream.key, "+", first, "COUNT", count])
    replies = checked((yield commands))
    return [found[number // 2].entries(reply) for number, reply in enumerate(replies)]


def newest_first(
    stream: Stream, page: list[EndedJob], since: float | None, read: Read
) -> PageSteps[EndedJob]:
    """Yields the entries of a stream from its first page on; reads further pages as needed, and
    calls ``read`` with the number of entries of each page."""
    count = FIRST_PAGE
    while page:
        read(len(page))
        yield Page(page)
        if len(page) < count:
            return
        count = PAGE
        last, first = f"({page[-1].entry}", first_id(since)
        command: list[Any] = ["XREVRANGE", stream.key, last, first, "COUNT", count]
        page = stream.entries(checked((yield [command]))[0])


def first_id(since: float | None) -> str:
    """Returns the first id of an entry at this time or later (epoch seconds)."""
    return "-" if since is None else str(round(since * 1000))


def last_id(until: float | None) -> str:
    """Returns the last id of an entry before this time (epoch seconds)."""
    return "+" if until is None else str(max(0, round(until * 1000) - 1))


def checked(replies: list[Any]) -> list[Any]:
    """Returns the replies; raises the first error among them."""
    for reply in replies:
        if isinstance(reply, BrokerError):
            raise reply
    return replies
