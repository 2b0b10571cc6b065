"""Reads which jobs hold which claims, in pages, however many there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..broker.script_arguments import decode_text, encode_text
from ..broker.scripts import ScriptCall, script, script_steps
from ..connection.client import RawArg, RedisSteps, send_commands, together
from ..errors import Unavailable
from .monitor import Monitor
from .reader import read_lengths
from .views import ClaimView, JobView

QUEUES = 50
"""How many queues are read at once."""

Cursor = tuple[str, int]
"""Where to go on: a queue, and the cursor of Redis in it."""


@dataclass(frozen=True)
class ClaimPage:
    """Claims that are held, each with the job that holds it, None if it is gone; not sorted.
    ``next``: where to go on; None at the end."""

    held: list[tuple[ClaimView, JobView | None]] = field(default_factory=list)
    next: Cursor | None = None


def read_claim_page(
    monitor: Monitor, queues: Sequence[str], count: int, start: Cursor | None = None
) -> RedisSteps[ClaimPage]:
    """Returns about ``count`` claims of these queues, or fewer though there are more; takes at most
    four round trips. ``start``: what ``next`` of the page before was.

    The first queues are asked first: most pages need no others.
    """
    queues = [queue for queue in queues if start is None or queue >= start[0]]
    unread = queues[QUEUES:]
    fields = yield from read_sizes(monitor, queues[:QUEUES])
    if sum(fields.values()) // 2 < count:
        fields |= yield from read_sizes(monitor, unread)
        unread = []
    chosen = queues_for(count, fields)
    at = {queue: start[1] if start and start[0] == queue else 0 for queue in chosen}
    claims, page_end = yield from scan(monitor, at, count)
    following = list(fields)[len(chosen) :]
    if page_end or following:
        unread = []
    held, more = yield from together(read_held(monitor, claims), read_sizes(monitor, unread))
    following += more
    return ClaimPage(held, page_end or ((following[0], 0) if following else None))


def read_sizes(monitor: Monitor, queues: Sequence[str]) -> RedisSteps[dict[str, int]]:
    """Returns how many fields the claims of each queue have, of those that have any: two for each
    claim. Takes one round trip, and none without queues."""
    keys = {queue: [monitor.keys.part(queue, "claims")] for queue in queues}
    sizes, _ = yield from read_lengths(monitor, keys, ["HLEN"])
    return {queue: size for queue, [size] in sizes.items() if size}


def queues_for(count: int, fields: Mapping[str, int]) -> list[str]:
    """Returns the first queues that hold so many claims. ``fields``: two of each claim, by
    queue."""
    chosen: list[str] = []
    found = 0
    for queue, size in fields.items():
        if found >= count or len(chosen) == QUEUES:
            break
        chosen.append(queue)
        found += size // 2
    return chosen


def scan(
    monitor: Monitor, at: dict[str, int], count: int
) -> RedisSteps[tuple[list[ClaimView], Cursor | None]]:
    """Returns the claims that one look into each queue finds, until there are ``count``; and where
    to go on."""
    keys = [monitor.keys.part(queue, "claims") for queue in at]
    replies = yield from send_commands(
        [["HSCAN", key, at[queue], "COUNT", 2 * count] for queue, key in zip(at, keys, strict=True)]
    )
    found: list[ClaimView] = []
    for queue, reply in zip(at, replies, strict=True):
        if len(found) >= count:
            return found, (queue, at[queue])
        cursor, words = (0, ()) if isinstance(reply, Unavailable) else reply
        for claim, id in zip(map(decode_text, words[::2]), words[1::2], strict=True):
            if claim.startswith(">"):
                found.append(ClaimView(claim[1:], decode_text(id), queue))
        if int(cursor):
            return found, (queue, int(cursor))
    return found, None


def read_held(
    monitor: Monitor, claims: Sequence[ClaimView]
) -> RedisSteps[list[tuple[ClaimView, JobView | None]]]:
    """Returns the claims that are still held, each with its job; takes one round trip."""
    by_queue: dict[str, list[ClaimView]] = {}
    for each in claims:
        by_queue.setdefault(each.queue, []).append(each)
    asked: list[list[RawArg]] = [
        ["HMGET", monitor.keys.part(queue, "claims"), *(encode_text(f">{c.claim}") for c in some)]
        for queue, some in by_queue.items()
    ]
    calls = [places_call(monitor, queue, some) for queue, some in by_queue.items()]
    jobs, holders = yield from together(script_steps(calls), send_commands(asked))
    found: list[tuple[ClaimView, JobView | None]] = []
    for (queue, some), facts, ids in zip(by_queue.items(), jobs, holders, strict=True):
        facts, ids = monitor.readable(queue, facts), monitor.readable(queue, ids)
        words = iter(facts)
        places = zip(words, words, words, strict=True)
        for each, holder, (payload, state, detail) in zip(some, ids or (), places, strict=False):
            if holder == encode_text(each.id):  # the job has not ended meanwhile
                place = (queue, holder, payload, state.decode(), detail)
                found.append((each, monitor.view_of(*place) if state else None))
    return found


def places_call(monitor: Monitor, queue: str, claims: Sequence[ClaimView]) -> ScriptCall:
    """Returns the call of lua/places.lua for the jobs that hold some claims of a queue."""
    keys = monitor.keys.parts(queue, "jobs", "delayed", "failed", "tokens", "blocked")
    return script("buoy.broker", "places"), keys, [encode_text(each.id) for each in claims]
