"""Reads how much the queues hold: in one round trip, and in a second one for how long jobs wait."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ..broker.scripts import ScriptCall, script, script_steps
from ..connection.client import RedisSteps, single_reply
from ..errors import Unavailable
from .latency import read_latencies
from .reader import Reader, groups_of, read_lengths
from .views import QueueView

PARTS = ("queued", "delayed", "leases", "failed", "blocked", "ranked", "meta")
"""The parts of a queue that lua/glance.lua reads."""
FACTS = 11
"""How many values it returns of each queue."""


MOST_DIGITS = 16
"""A number with fewer digits is exact as a float, too."""


@dataclass
class Counted:
    """What queues hold. ``missed``: by name the errors of queues on nodes that are away. ``now``:
    the time of Redis, epoch seconds; 0.0 without queues."""

    views: list[QueueView] = field(default_factory=list)
    missed: dict[str, Unavailable] = field(default_factory=dict)
    now: float = 0.0


class QueueSizes(NamedTuple):
    """How many jobs a queue has in each state."""

    name: str
    in_list: int
    delayed: int
    running: int
    failed: int
    blocked: int
    ranked: int

    @property
    def queued(self) -> int:
        """How many queued jobs it has, of any priority."""
        return self.in_list + self.ranked


def read_state_sizes(
    reader: Reader, names: Sequence[str]
) -> RedisSteps[tuple[list[QueueSizes], dict[str, Unavailable]]]:
    """Returns how many jobs these queues have in each state, and by name the errors of queues on
    nodes that are away; takes one round trip."""
    keys = {name: reader.keys.parts(name, *PARTS[:6]) for name in names}
    found, missed = yield from read_lengths(reader, keys, ["LLEN", *["ZCARD"] * 5])
    return [QueueSizes(name, *sizes) for name, sizes in found.items()], missed


def read_queues(reader: Reader, names: Sequence[str]) -> RedisSteps[Counted]:
    """Returns how much these queues hold, and for how long their jobs have waited."""
    return (yield from with_latencies(reader, (yield from read_sizes(reader, names))))


def with_latencies(reader: Reader, counted: Counted) -> RedisSteps[Counted]:
    """Returns what was counted, with the latencies of the queues; takes one round trip."""
    now = counted.now
    waiting = [view.name for view in counted.views if view.queued or is_due(view, now)]
    latencies = yield from read_latencies(reader, waiting)
    views = [
        replace(view, latency=latencies[view.name]) if view.name in latencies else view
        for view in counted.views
    ]
    return replace(counted, views=views)


def read_sizes(reader: Reader, names: Sequence[str]) -> RedisSteps[Counted]:
    """Returns how much these queues hold, without latencies; takes one round trip."""
    groups = groups_of(reader, names)
    replies = yield from script_steps([glance(reader, group) for group in groups])
    found, now = Counted(), 0
    for group, reply in zip(groups, replies, strict=True):
        if isinstance(reply, Unavailable):
            found.missed |= dict.fromkeys(group, reply)
            continue
        now, *facts = single_reply([reply])
        for number, name in enumerate(group):
            view = queue_view(reader, name, facts[FACTS * number : FACTS * (number + 1)])
            found.views.append(view)
    found.now = now / 1000
    return found


def glance(reader: Reader, queues: Sequence[str]) -> ScriptCall:
    """Returns the call of lua/glance.lua for queues that one script may read."""
    keys = [key for queue in queues for key in reader.keys.parts(queue, *PARTS)]
    return script("buoy.broker", "glance"), keys, [reader.broker.clock_offset_ms]


def queue_view(reader: Reader, name: str, facts: Sequence[Any]) -> QueueView:
    """Returns the view of a queue from what lua/glance.lua tells of it."""
    *sizes, done, rejected, paused, seen, due = facts
    if min(sizes) < 0 or done is None:
        report_wrong_types(reader, name, facts)
    in_list, delayed, running, failed, blocked, ranked = (max(0, size) for size in sizes)
    return QueueView(
        name,
        in_list + ranked,
        delayed,
        running,
        failed,
        int(number_in(reader, name, "meta", done)),
        int(number_in(reader, name, "meta", rejected)),
        paused=bool(paused),
        seen_at=number_in(reader, name, "meta", seen) / 1000 if seen else None,
        next_due_at=number_in(reader, name, "delayed", due) / 1000 if due else None,
        blocked=blocked,
    )


def number_in(reader: Reader, queue: str, part: str, value: bytes | None) -> float:
    """Returns a value of a part of a queue as a finite number, or 0 if it is none."""
    if value and value.isdigit() and len(value) < MOST_DIGITS:
        return int(value)
    return reader.number(reader.keys.part(queue, part), value) if value else 0


def report_wrong_types(reader: Reader, name: str, facts: Sequence[Any]) -> None:
    """Log the keys of a wrong type, by what lua/glance.lua tells of a queue."""
    keys = reader.keys.parts(name, *PARTS)
    wrong = [key for key, size in zip(keys, facts[:6], strict=False) if size < 0]
    for key in [*wrong, *(keys[6:] if facts[6] is None else [])]:
        reader.report_skipped(key, "it has a wrong type")


def is_due(view: QueueView, now: float) -> bool:
    """Returns whether the first delayed job of a queue is due, though it is not queued yet."""
    return view.next_due_at is not None and view.next_due_at <= now
