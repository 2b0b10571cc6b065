"""Delayed or failed jobs of many queues together: delayed ones the next due first, failed ones the
newest first; read in pages, so that no command reads more than a page.

Jobs with equal times are in the order of their queues and ids. A page begins behind the last job of
the page before, so it shows the right jobs while others come and go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

from ..broker.scripts import ScriptCall, script, script_steps
from ..connection.client import RawArg, RedisSteps, send_commands, single_reply, together
from ..errors import Unavailable
from .job_filter import JobFilter
from .job_reader import JobReader
from .places import Place, scored_places
from .reader import groups_of, read_lengths
from .views import JobView

ANY = JobFilter()
Timed = Literal["delayed", "failed"]
EXACT = 100
"""Pages of so many jobs are full if there are enough jobs; larger ones may be shorter."""
LEAST = 20
"""How many jobs of a queue are read at least for a larger page."""


@dataclass(frozen=True)
class TimedPage:
    """The jobs that match, in their order. ``looked``: how many were read; ``last``: the last of
    them, to go on behind it; None if there are no more. ``total``: how many jobs the queues hold in
    this state. ``missed``: by name the errors of queues on nodes of a cluster that are away."""

    views: list[JobView]
    looked: int
    last: Place | None
    total: int
    missed: dict[str, Unavailable]


@dataclass(frozen=True)
class Heads:
    """Where the first jobs of queues are, in the order of a state, and how many jobs each queue has
    in it. ``missed``: see TimedPage."""

    firsts: list[Place]
    sizes: dict[str, int]
    missed: dict[str, Unavailable]


def read_heads(
    reader: JobReader, queues: Sequence[str], state: Timed, order: "Order | None" = None
) -> RedisSteps[Heads]:
    """Returns the first jobs of these queues, in an order; takes one round trip."""
    order = order or Order(reader, state, None, None)
    (sizes, missed), firsts = yield from together(
        read_sizes(reader, queues, state), order.read(dict.fromkeys(queues, 1))
    )
    ranked = sorted((places[0] for places in firsts.values() if places), key=order.key)
    return Heads(ranked, sizes, missed)


def read_timed_page(
    reader: JobReader,
    queues: Sequence[str],
    state: Timed,
    count: int,
    after: Place | None = None,
    wanted: JobFilter = ANY,
    heads: Heads | None = None,
) -> RedisSteps[TimedPage]:
    """Returns those that match of the next ``count`` jobs behind ``after``; takes at most four
    round trips.

    Skips queues on nodes of a cluster that are away: ``missed`` has them. ``heads``: what
    ``read_heads`` has returned a moment ago; a job that came first since then may be missing. It
    cannot be used with ``after``.
    """
    rank = yield from read_rank(reader, after)
    order = Order(reader, state, after, rank)
    if heads is None:
        heads = yield from read_heads(reader, queues, state, order)
    firsts = heads.firsts
    counts = counts_to_read([place.queue for place in firsts], heads.sizes, count + 1)
    end = firsts[count].detail if len(firsts) > count else None  # so many are before it
    places, cut = order.merged((yield from order.read(counts, end)), counts)
    more = len(places) > count or end is not None or (cut and count > EXACT)
    found = yield from reader.read_views(places[:count], wanted.may_match)
    views = list(filter(wanted.matches, found)) if wanted.reads_payloads else found
    last = places[:count][-1] if more and places else None
    total = sum(heads.sizes.values())
    return TimedPage(views, len(places[:count]), last, total, heads.missed)


def read_sizes(
    reader: JobReader, queues: Sequence[str], state: Timed
) -> RedisSteps[tuple[dict[str, int], dict[str, Unavailable]]]:
    """Returns by queue how many jobs are in this state, and the errors of queues that are away."""
    keys = {queue: [reader.keys.part(queue, state)] for queue in queues}
    found, missed = yield from read_lengths(reader, keys, ["ZCARD"])
    return {queue: size for queue, [size] in found.items()}, missed


def read_rank(reader: JobReader, after: Place | None) -> RedisSteps[int | None]:
    """Returns how many jobs of its queue are before a job, in the order of its state; None if it is
    no longer there."""
    if after is None:
        return None
    command = "ZRANK" if after.state == "delayed" else "ZREVRANK"
    key = reader.keys.part(after.queue, after.state)
    [reply] = yield from send_commands([[command, key, after.id]])
    return None if isinstance(reply, Unavailable) else reader.readable(key, reply)


def counts_to_read(ranked: Sequence[str], sizes: Mapping[str, int], count: int) -> dict[str, int]:
    """Returns of how many jobs of each queue a page may consist.

    ``ranked``: the queues in the order of their first jobs. Before each job of the third queue are
    at least two others, so it can give two less than the page has. Of many jobs, each queue gives
    about its share of all.
    """
    is_exact = count <= EXACT + 1
    total = 1 if is_exact else max(1, sum(sizes.get(queue, 0) for queue in ranked))
    found = {}
    for rank, queue in enumerate(ranked[:count]):
        share = count if is_exact else ceil(2 * count * sizes.get(queue, 0) / total)
        found[queue] = min(count - rank, max(LEAST, share))
    return found


class Order:
    """The order of jobs in a state, behind the job ``after``, which has this rank in its queue."""

    def __init__(
        self, reader: JobReader, state: Timed, after: Place | None, rank: int | None
    ) -> None:
        self.reader, self.state, self.after, self.rank = reader, state, after, rank
        self.newest_first = state == "failed"

    def key(self, place: Place) -> "SortKey":
        """Returns what sorts places."""
        key = float(place.detail), place.queue, place.id
        return Reversed(key) if self.newest_first else key

    def read(
        self, wanted: Mapping[str, int], end: bytes | None = None
    ) -> RedisSteps[dict[str, list[Place]]]:
        """Returns the first places of each of these queues, at most so many; none behind the score
        ``end``. Takes one round trip."""
        reader, behind = self.reader, self.after.queue if self.after else None
        ranked = [queue for queue in wanted if queue == behind and self.rank is not None]
        groups = groups_of(reader, [queue for queue in wanted if queue not in ranked])
        replies, some = yield from together(
            script_steps([self.call(group, wanted, end) for group in groups]),
            send_commands([self.command(queue, wanted[queue]) for queue in ranked]),
        )
        found = dict(zip(ranked, some, strict=True))
        for group, reply in zip(groups, replies, strict=True):
            away = isinstance(reply, Unavailable)
            ranges = [reply] * len(group) if away else single_reply([reply])
            found |= zip(group, ranges, strict=True)
        return {queue: self.places(queue, found[queue]) for queue in wanted}

    def places(self, queue: str, reply: Any) -> list[Place]:
        """Returns the places in a reply; none if the node is away."""
        if isinstance(reply, list):  # as nearly always
            return scored_places(queue, self.state, reply)
        key = self.reader.keys.part(queue, self.state)
        if reply is None:
            self.reader.report_skipped(key, "it has a wrong type")
        words = () if isinstance(reply, Unavailable) else self.reader.readable(key, reply)
        return scored_places(queue, self.state, words)

    def call(
        self, queues: Sequence[str], wanted: Mapping[str, int], end: bytes | None
    ) -> ScriptCall:
        """Returns the call of lua/ranges.lua that reads the first places of some queues."""
        words: list[RawArg] = ["down" if self.newest_first else "up", end or ""]
        for queue in queues:
            words += [self.start(queue), wanted[queue]]
        keys = [self.reader.keys.part(queue, self.state) for queue in queues]
        return script("buoy.broker", "ranges"), keys, words

    def command(self, queue: str, count: int) -> list[RawArg]:
        """Returns the command that reads the next places of the queue of ``after``."""
        first, name = (self.rank or 0) + 1, "ZREVRANGE" if self.newest_first else "ZRANGE"
        key = self.reader.keys.part(queue, self.state)
        return [name, key, first, first + count - 1, "WITHSCORES"]

    def start(self, queue: str) -> bytes:
        """Returns the score at which the jobs of a queue begin that are behind ``after``; empty for
        the first one."""
        if self.after is None:
            return b""
        before = queue > self.after.queue if self.newest_first else queue < self.after.queue
        return b"(" + self.after.detail if before else self.after.detail

    def merged(
        self, found: Mapping[str, list[Place]], wanted: Mapping[str, int]
    ) -> tuple[list[Place], bool]:
        """Returns the places up to where all queues are known, and whether there may be more."""
        cut = [places[-1] for q, places in found.items() if places and len(places) == wanted[q]]
        places = sorted((place for each in found.values() for place in each), key=self.key)
        if not cut:
            return places, False
        end = places.index(min(cut, key=self.key)) + 1
        return places[:end], True


class Reversed(tuple):  # type: ignore[type-arg]  # of score, queue and id
    """A tuple that sorts the other way round."""

    __slots__ = ()

    def __lt__(self, other: tuple[object, ...]) -> bool:
        return tuple.__gt__(self, other)


SortKey = tuple[float, str, bytes] | Reversed
