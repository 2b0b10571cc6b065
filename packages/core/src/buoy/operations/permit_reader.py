"""Reads which permits are taken, and who waits for them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..broker.keys import Keys
from ..broker.script_arguments import decode_text
from ..connection.client import RedisSteps
from .field_reader import scan_fields


@dataclass(frozen=True, slots=True)
class PermitView:
    """The permits of a key: how many are ``taken``, and how many jobs are ``blocked`` in its line.

    ``declared``: the limit that the last job declared; None if no job has a permit. ``set``: the
    limit that an operator has set in place of it; None if there is none.
    """

    queue: str
    key: str
    taken: int
    blocked: int
    declared: int | None
    set: int | None

    @property
    def limit(self) -> int | None:
        """The limit that counts; None if nobody has declared or set any."""
        return self.declared if self.set is None else self.set


class Need(NamedTuple):
    """A permit that a job needs. ``held``: whether it has it."""

    key: bytes
    held: bool


class Permits:
    """What the claims and the lines of a queue say of permits; see lua/permits.lua.

    ``needs``: by id the permits that a job needs. ``taken``: how many are taken, by key. ``lines``:
    the ids that wait for a key, in their order.
    """

    def __init__(self, claims: Mapping[bytes, bytes], members: Iterable[bytes]) -> None:
        self.needs = {id[1:]: needs_in(text) for id, text in claims.items() if id[:1] == b"?"}
        self.taken = {key[1:]: taken_in(text) for key, text in claims.items() if key[:1] == b"#"}
        self.lines: dict[bytes, list[bytes]] = {}
        for member in sorted(members):
            key, _, rest = member.partition(b"\n")
            self.lines.setdefault(key, []).append(rest.partition(b"\n")[2])

    def suspected(
        self, blocked: AbstractSet[bytes], waiting: AbstractSet[bytes]
    ) -> AbstractSet[bytes]:
        """Returns ids of blocked jobs in no line, and of those ``waiting`` that hold a permit."""
        in_line = {id for ids in self.lines.values() for id in ids}
        holders = {id for id, some in self.needs.items() if any(need.held for need in some)}
        return (blocked - in_line) | (blocked - self.needs.keys()) | (waiting & holders)

    def suspected_keys(self) -> list[tuple[bytes, int]]:
        """Returns all keys with a line, and those of which a wrong number of permits seems to be
        taken; each with 1 if the latter, else 0."""
        held = Counter(need.key for some in self.needs.values() for need in some if need.held)
        wrong = {key for key in held.keys() | self.taken.keys() if held[key] != self.taken.get(key)}
        return [(key, int(key in wrong)) for key in sorted(wrong | self.lines.keys())]


def needs_in(text: bytes) -> list[Need]:
    """Returns the needs of a job that Redis has stored."""
    found = (line.partition(b" ") for line in text.split(b"\n") if line[:1] in (b"f", b"s"))
    return [Need(key, head[1:2] == b"+") for head, blank, key in found if blank]


def taken_in(text: bytes) -> int:
    """Returns how many permits of a key are taken; 0 for what is no number."""
    word = text.partition(b" ")[0]
    return int(word) if word.isdigit() and len(word) < 17 else 0


def read_permits(keys: Keys, queues: Sequence[str]) -> RedisSteps[list[PermitView]]:
    """Returns the keys of these queues of which permits are taken, or whose limit was set; by queue
    and key. Takes one round trip for each 500 claims of the queue that has most, and two more."""
    taken = yield from scan_fields(keys, queues, "claims", "#")
    of_operators = yield from scan_fields(keys, queues, "meta", "limit:")
    places = sorted(taken.keys() | of_operators.keys())
    lengths = (
        yield [
            ["ZLEXCOUNT", keys.part(queue, "lines"), b"[%s\n" % key, b"(%s\x0b" % key]
            for queue, key in places
        ]
        if places
        else ()
    )
    return [
        permit_view(*place, taken.get(place, b""), of_operators.get(place), length)
        for place, length in zip(places, lengths, strict=True)
    ]


def permit_view(
    queue: str, key: bytes, taken: bytes, of_operator: bytes | None, blocked: Any
) -> PermitView:
    """Returns the view of a key from what the claims and the meta of its queue say of it."""
    declared = taken.partition(b" ")[2]
    return PermitView(
        queue,
        decode_text(key),
        taken_in(taken),
        blocked if isinstance(blocked, int) else 0,
        taken_in(declared) or None,
        None if of_operator is None else taken_in(of_operator),
    )
