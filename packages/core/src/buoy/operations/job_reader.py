"""Reads the jobs of queues, and the claims that they hold."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Literal

from ..broker.keys import QUEUE_PARTS
from ..broker.redis_access import command_steps
from ..broker.script_arguments import decode_text, encode_text
from ..broker.scripts import ScriptCall, script, script_steps
from ..connection.client import RawArg, RedisSteps, check_replies, send_commands, single_reply
from ..connection.twins import (
    Page,
    PageSteps,
    awaiting,
    awaiting_pages,
    blocking,
    blocking_pages,
    map_pages,
    next_page,
    pages_of,
    steps_of,
)
from ..errors import CorruptPayload, Unavailable
from ..model.names import is_queue
from ..model.payload import Payload
from ..model.strict_json import is_utf8
from .id_reader import IdReader
from .places import Place, scored_places
from .queued import read_queued
from .reader import groups_of
from .views import ClaimView, JobState, JobView, job_view

PAGE_SIZE = 500
WHERE_PARTS = ("jobs", "delayed", "failed", "tokens", "ended", "blocked")
WHERE = itemgetter(*map(QUEUE_PARTS.index, WHERE_PARTS))
"""Picks the keys that lua/where.lua reads from all keys of a queue."""


class JobReader(IdReader):
    """Reads jobs, wherever they are. All methods raise BrokerError if Redis does not answer."""

    names_before: tuple[Sequence[bytes], Sequence[str]] = ((), ())
    """The last reply with the names of queues, and what it says: it seldom changes."""

    @blocking
    def queue_names(self) -> RedisSteps[list[str]]:
        """Returns the names of all queues to which anything was ever enqueued, sorted."""
        return self.read_queue_names()

    aqueue_names = awaiting(queue_names)

    def read_queue_names(self) -> RedisSteps[list[str]]:
        """Returns what ``queue_names`` does; takes one round trip."""
        found = yield from command_steps("SMEMBERS", self.keys.queues())
        before, names = self.names_before
        if found != before:
            names = self.names_in(found)
            self.names_before = found, names
        return list(names)

    def names_in(self, found: Sequence[bytes]) -> list[str]:
        """Returns the names of queues, sorted; skips what is none."""
        names = [decode_text(name) for name in found]
        for name in names:
            if not is_queue(name):
                reason = f"expected names of queues, got {name!r:.80}"
                self.report_skipped(self.keys.queues(), reason)
        return sorted(filter(is_queue, names))

    def chosen(self, queues: Iterable[str] | None) -> RedisSteps[list[str]]:
        """Returns these queues, or the names of all."""
        return (yield from steps_of(self.queue_names)) if queues is None else list(queues)

    @blocking
    def find(self, id: str, queue: str | None = None) -> RedisSteps[JobView | None]:
        """Returns a job, or None if no queue knows it. Without ``queue``, search all queues."""
        names = yield from self.chosen([queue] if queue else None)
        return (yield from steps_of(self.look_for, id, names))[0]

    afind = awaiting(find)

    @blocking
    def look_for(
        self, id: str, queues: Sequence[str]
    ) -> RedisSteps[tuple[JobView | None, dict[str, float]]]:
        """Returns a job if one of these queues has it; if not, by queue when it has ended there
        (epoch seconds), which queues know for two minutes. Takes one round trip."""
        return self.read_job(id, queues)

    alook_for = awaiting(look_for)

    def read_job(
        self, id: str, queues: Sequence[str]
    ) -> RedisSteps[tuple[JobView | None, dict[str, float]]]:
        """Returns what ``look_for`` does. Raises Unavailable if none knows the job, and a node of
        the cluster is away."""
        ended: dict[str, float] = {}
        if not is_utf8(id):  # an argument of a command may be no UTF-8
            return None, ended
        groups = groups_of(self, queues)
        replies = yield from script_steps([self.where_call(id, group) for group in groups])
        for group, reply in zip(groups, replies, strict=True):
            if isinstance(reply, Unavailable):
                continue
            number, *facts = single_reply([reply])
            if number:
                payload, state, detail = map(decode_text, facts)
                found = job_view(group[number - 1], id, payload, state, detail, self.redacted)
                return found, ended
            numbers = zip(facts[::2], facts[1::2], strict=True)
            ended |= {group[number - 1]: float(at) / 1000 for number, at in numbers}
        check_replies([reply for reply in replies if not ended and isinstance(reply, Unavailable)])
        return None, ended

    def where_call(self, id: str, queues: Sequence[str]) -> ScriptCall:
        """Returns the call of lua/where.lua for queues that one script may read."""
        keys = [key for queue in queues for key in WHERE(self.keys.queue(queue))]
        return script("buoy.broker", "where"), keys, [id]

    @blocking_pages
    def claims(self, queue: str) -> PageSteps[ClaimView]:
        """Returns all claims that jobs of a queue hold, not sorted."""
        return map_pages(partial(held_claims, queue), self.hash_items(queue, "claims"))

    aclaims = awaiting_pages(claims)

    @blocking
    def holder(self, queue: str, claim: str) -> RedisSteps[str | None]:
        """Returns the id of the job that holds a claim, or None."""
        key, field = self.keys.part(queue, "claims"), encode_text(f">{claim}")
        found = yield from steps_of(self.ask, key, "HGET", field)
        return None if found is None else decode_text(found)

    aholder = awaiting(holder)

    @blocking
    def peek(self, queue: str, start: int = 0, count: int = 10) -> RedisSteps[list[JobView]]:
        """Returns queued jobs, the next one first."""
        if count <= 0:
            return []
        ids = yield from read_queued(self, queue, start, start + count - 1)
        return (yield from steps_of(self.views_in, queue, [(id, None) for id in ids], "queued"))

    apeek = awaiting(peek)

    @blocking
    def delayed(self, queue: str, start: int = 0, count: int = 10) -> RedisSteps[list[JobView]]:
        """Returns delayed jobs, the one that is due next first."""
        return steps_of(self.jobs_page, queue, "delayed", start, count)

    adelayed = awaiting(delayed)

    @blocking_pages
    def failed(self, queues: Iterable[str] | None = None) -> PageSteps[JobView]:
        """Returns failed jobs, queue by queue, the oldest failure first; see ``each``."""
        return pages_of(self.each, "failed", queues)

    afailed = awaiting_pages(failed)

    @blocking_pages
    def each(
        self, state: Literal["delayed", "failed"], queues: Iterable[str] | None = None
    ) -> PageSteps[JobView]:
        """Returns all delayed or failed jobs, queue by queue, in the order of their times.

        Lists the jobs that are there at the start; reads their payloads in pages. The caller may
        change jobs meanwhile.
        """
        for queue in (yield from self.chosen(queues)):
            yield from pages_of(self.jobs_in, queue, state)

    aeach = awaiting_pages(each)

    @blocking_pages
    def jobs_in(
        self, queue: str, state: Literal["delayed", "failed"], *, last_first: bool = False
    ) -> PageSteps[JobView]:
        """Returns all delayed or failed jobs of one queue, in the order of their times."""
        key = self.keys.part(queue, state)
        found = yield from steps_of(self.ask, key, "ZRANGE", 0, -1, "WITHSCORES")
        places = scored_places(queue, state, found)
        if last_first:
            places.reverse()
        for first in range(0, len(places), PAGE_SIZE):
            yield Page((yield from self.read_views(places[first : first + PAGE_SIZE])))

    ajobs_in = awaiting_pages(jobs_in)

    @blocking
    def jobs_page(
        self, queue: str, state: JobState, start: int, count: int
    ) -> RedisSteps[list[JobView]]:
        """Returns ``count`` delayed or failed jobs, after the first ``start`` of them."""
        key = self.keys.part(queue, state)
        if count <= 0:
            return []
        last = start + count - 1
        found = yield from steps_of(self.ask, key, "ZRANGE", start, last, "WITHSCORES")
        return (yield from self.read_views(scored_places(queue, state, found)))

    ajobs_page = awaiting(jobs_page)

    @blocking
    def views_in(
        self, queue: str, pairs: Sequence[tuple[bytes, Any]], state: JobState
    ) -> RedisSteps[list[JobView]]:
        """Returns the views of jobs by id and score. Skips jobs that are elsewhere by now."""
        places = [Place(queue, state, id, score or b"") for id, score in pairs]
        return self.read_views(places)

    def read_views(
        self, places: Sequence[Place], may_match: Callable[[bytes], bool] = lambda payload: True
    ) -> RedisSteps[list[JobView]]:
        """Returns the views of jobs by their places, in this order, in one round trip. Skips jobs
        that are elsewhere by now, those on nodes that are away if any others are found, and those
        whose payloads cannot match."""
        by_queue: dict[str, list[bytes]] = {}
        for place in places:
            by_queue.setdefault(place.queue, []).append(place.id)
        pages = [
            (queue, ids[first : first + PAGE_SIZE])  # a command has no room for all ids
            for queue, ids in by_queue.items()
            for first in range(0, len(ids), PAGE_SIZE)
        ]
        keys = [self.keys.part(queue, "jobs") for queue, _ in pages]
        commands: list[list[RawArg]] = [
            ["HMGET", key, *ids] for key, (_, ids) in zip(keys, pages, strict=True)
        ]
        replies = yield from send_commands(commands)
        payloads: dict[tuple[str, bytes], bytes] = {}
        away: list[Unavailable] = []
        for key, (queue, ids), reply in zip(keys, pages, replies, strict=True):
            if isinstance(reply, Unavailable):
                away.append(reply)
                continue
            found = self.readable(key, reply) or [None] * len(ids)
            pairs = zip(ids, found, strict=True)
            payloads |= {(queue, id): payload for id, payload in pairs if payload is not None}
        if away and not payloads:
            raise away[0]
        return [
            self.view_of(place.queue, place.id, payload, place.state, place.detail)
            for place in places
            if (payload := payloads.get((place.queue, place.id))) is not None and may_match(payload)
        ]

    def view_of(
        self, queue: str, id: bytes, payload: bytes, state: JobState, detail: bytes
    ) -> JobView:
        """Returns the view of a job from what Redis has of it."""
        words = (decode_text(id), decode_text(payload), state, decode_text(detail))
        return job_view(queue, *words, self.redacted)

    @property
    def redacted(self) -> frozenset[str]:
        """The names of arguments that the app does not show."""
        return self.broker.settings.redacted

    @blocking
    def ids_of_class(
        self, name: str, identifier: str | None = None
    ) -> RedisSteps[dict[str, list[str]]]:
        """Returns by queue the ids of all jobs of a class (with this identifier), in any state."""
        found: dict[str, list[str]] = {}
        for queue in (yield from steps_of(self.queue_names)):
            pages = pages_of(self.payloads, queue)
            while (page := (yield from next_page(pages))) is not None:
                ids = [id for id, payload in page if is_of_class(payload, name, identifier)]
                if ids:
                    found[queue] = [*found.get(queue, ()), *ids]
        return found

    @blocking_pages
    def payloads(self, queue: str) -> PageSteps[tuple[str, Payload]]:
        """Returns all jobs of a queue, not sorted. Skips payloads that cannot be read."""
        return map_pages(readable_payloads, self.hash_items(queue, "jobs"))

    def hash_items(self, queue: str, part: str) -> PageSteps[tuple[str, bytes]]:
        """Returns the fields and values of a hash, read in pages."""
        cursor: Any = 0
        key = self.keys.part(queue, part)
        while True:
            words = (cursor, "COUNT", PAGE_SIZE)
            cursor, found = (yield from steps_of(self.ask, key, "HSCAN", *words)) or (0, ())
            yield Page((decode_text(found[n]), found[n + 1]) for n in range(0, len(found), 2))
            if int(cursor) == 0:
                return


def held_claims(queue: str, items: Iterable[tuple[str, bytes]]) -> Iterator[ClaimView]:
    """Returns the claims that jobs hold, from fields and values of a queue's claims."""
    for name, id in items:
        if name.startswith(">"):
            yield ClaimView(name[1:], decode_text(id), queue)


def is_of_class(payload: Payload, name: str, identifier: str | None) -> bool:
    """Returns whether a job is of this class, and has this identifier if one is given."""
    return payload.name == name and identifier in (None, payload.identified())


def readable_payloads(items: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Payload]]:
    """Returns ids and payloads; skips payloads that cannot be read."""
    for id, payload in items:
        try:
            yield id, Payload.decoded(decode_text(payload))
        except CorruptPayload:
            continue
