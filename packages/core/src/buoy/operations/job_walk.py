"""Goes through the jobs of many queues, page by page, and reads no more than a page at once.

The order is that of states, of queues, and of the jobs in each place: running ones as they began,
queued ones as they will run, blocked ones as they came, delayed ones as they are due, failed ones
the newest first.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, NamedTuple

from ..broker.script_arguments import encode_text
from ..broker.scripts import script_steps
from ..connection.client import RawArg, RedisSteps, send_commands, together
from ..errors import Unavailable
from .job_filter import STATES, JobFilter
from .job_reader import JobReader
from .places import Place, scored_places
from .queue_counts import QueueSizes
from .queued import queued_call
from .reader import read_hashes
from .running_places import token_places
from .views import JobState, JobView, QueueView


class Position(NamedTuple):
    """A place in the order: behind the first ``start`` jobs of a queue in a state."""

    state: JobState
    queue: str
    start: int


@dataclass(frozen=True)
class Walked:
    """The jobs that match among those that were looked at. ``next``: where to go on; None at the
    end. ``looked``: how many were looked at."""

    views: list[JobView]
    looked: int
    next: Position | None


class Stretch(NamedTuple):
    """Jobs of one place that lie together, behind its first ``start`` jobs."""

    state: JobState
    queue: str
    start: int
    size: int

    @property
    def last(self) -> int:
        """The number of its last job in its place."""
        return self.start + self.size - 1


def read_walk(
    reader: JobReader,
    queues: Sequence[QueueView | QueueSizes],
    wanted: JobFilter,
    most: int,
    look: int,
    start: Position | None = None,
) -> RedisSteps[Walked]:
    """Returns at most ``most`` of the next ``look`` jobs that match; takes two round trips.

    ``queues``: how much the queues hold. Jobs that change their state meanwhile may be missing or
    listed twice.
    """
    look = look if wanted.reads_payloads else most
    stretches = list(plan(queues, wanted, look + 1, start))
    replies = yield from read_stretches(reader, stretches)
    pairs = zip(stretches, replies, strict=True)
    parts = [places(reader, stretch, reply) for stretch, reply in pairs]
    found = list(chain.from_iterable(parts))
    views = yield from reader.read_views(found[:look], wanted.may_match)
    matching = list(islice(filter(wanted.matches, views), most))
    if len(matching) == most:  # the jobs behind the last one were not looked at
        look = number_of(matching[-1], found) + 1
    return Walked(matching, min(look, len(found)), position_of(look, stretches, parts))


def number_of(view: JobView, places: Sequence[Place]) -> int:
    """Returns which of these places is that of a job, counted from 0."""
    queue, id = view.queue, encode_text(view.id)
    return next(n for n, each in enumerate(places) if each.queue == queue and each.id == id)


def position_of(
    number: int, stretches: Sequence[Stretch], parts: Sequence[Sequence[Place]]
) -> Position | None:
    """Returns the position of a job by its number among the places of these stretches; None if
    there are fewer."""
    for stretch, some in zip(stretches, parts, strict=True):
        if number < len(some):
            return Position(stretch.state, stretch.queue, stretch.start + number)
        number -= len(some)
    return None


def plan(
    queues: Iterable[QueueView | QueueSizes], wanted: JobFilter, count: int, start: Position | None
) -> Iterator[Stretch]:
    """Returns where the next ``count`` jobs lie."""
    begin = (STATES.index(start.state), start.queue) if start else (-1, "")
    for number, state in enumerate(STATES):
        if number < begin[0] or state not in (wanted.states or STATES):
            continue
        for view in queues:
            size = getattr(view, state)
            if size and (number, view.name) >= begin:
                first = start.start if start and (number, view.name) == begin else 0
                some = min(size - first, count)
                if some > 0:
                    yield Stretch(state, view.name, first, some)
                    count -= some
                if count <= 0:
                    return


def read_stretches(reader: JobReader, stretches: Sequence[Stretch]) -> RedisSteps[list[Any]]:
    """Returns a reply for each stretch: ids with their scores, or tokens. Takes one round trip."""
    running = [each.queue for each in stretches if each.state == "running"]  # these come first
    queued = [each for each in stretches if each.state == "queued"]  # these are next
    rest = [command(reader, each) for each in stretches[len(running) + len(queued) :]]
    keys = {queue: reader.keys.part(queue, "tokens") for queue in running}
    calls = [queued_call(reader.keys, each.queue, each.start, each.last) for each in queued]
    tokens, ids, replies = yield from together(
        read_hashes(reader, keys), script_steps(calls), send_commands(rest)
    )
    return [*tokens.values(), *ids, *replies]


def command(reader: JobReader, stretch: Stretch) -> list[RawArg]:
    """Returns the command that reads the ids of a stretch of blocked, delayed or failed jobs."""
    name = "ZREVRANGE" if stretch.state == "failed" else "ZRANGE"
    key = reader.keys.part(stretch.queue, stretch.state)
    return [name, key, stretch.start, stretch.last, "WITHSCORES"]


def places(reader: JobReader, stretch: Stretch, reply: Any) -> list[Place]:
    """Returns where the jobs of a reply are; none if a node is away."""
    state, queue, start, size = stretch
    part = "tokens" if state == "running" else state
    key = reader.keys.part(queue, part)
    words = () if isinstance(reply, Unavailable) else reader.readable(key, reply)
    if state == "running":
        return token_places(reader, queue, key, words)[start : start + size]
    if state == "queued":
        return [Place(queue, state, id, b"") for id in words or ()]
    return scored_places(queue, state, words)
