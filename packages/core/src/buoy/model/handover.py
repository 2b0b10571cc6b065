"""A job that its parent hands over to its queue: both are one change, though the queues may lie on
two nodes of a cluster."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from ..errors import BuoyError, CorruptPayload
from .checks import short_repr
from .due import Due
from .entry import Entry
from .payload import check_claims, parse_fields
from .strict_json import encode
from .transition import Transition

Child = Sequence[str]
"""A job that a run enqueues if it ends well, as lua/settle.lua takes it: id, payload and class of a
plain job of the run's own queue; or one text, the fields of a hand-over."""

TEXTS = ("name", "parent", "queue", "id", "payload", "class", "due")
LISTS = ("claims", "numbers", "commands")


class Handover(NamedTuple):
    """A job on its way to its queue.

    ``name``: by it the queue knows whether it has received the job. ``parent``: the id of the job
    that enqueues it. ``at``: when that job ended, in ms; 0 while it runs.
    """

    name: str
    parent: str
    queue: str
    entry: Entry
    max_length: int | None = None
    at: int = 0

    def encoded(self) -> str:
        """The fields as JSON, without ``at``."""
        entry, more = self.entry, self.entry.transition
        fields = {
            "name": self.name,
            "parent": self.parent,
            "queue": self.queue,
            "id": entry.id,
            "class": entry.name,
            "due": entry.due.argument,
            "max_length": self.max_length,
            "claims": [*more.claims] if more else [],
            "numbers": [*more.numbers] if more else [],
            "commands": [*more.checked()] if more else [],
            "payload": entry.payload.decode(),
        }
        return encode(
            {name: value for name, value in fields.items() if value not in ("", [], None)}
        )

    @classmethod
    def parse(cls, stored: str) -> Self:
        """The hand-over that a queue has stored: when its parent ended, a blank, its fields.

        Raises CorruptPayload for anything else.
        """
        at, text = split_time(stored)
        fields = {**dict.fromkeys(TEXTS, ""), **{name: [] for name in LISTS}, **parse_fields(text)}
        for name in TEXTS:
            if type(fields[name]) is not str:
                raise corrupt(f"{name!r} to be a text", fields[name])
        if not (fields["name"] and fields["queue"] and fields["id"] and fields["payload"]):
            raise corrupt("name, queue, id and payload", text)
        limit = fields.get("max_length")
        if limit is not None and (type(limit) is not int or not 0 < limit < 2**53):
            raise corrupt("'max_length' to be a whole number", limit)
        due = due_of(fields["due"], at)
        entry = Entry(
            fields["id"], fields["payload"].encode(), fields["class"], due, transition_of(fields)
        )
        return cls(fields["name"], fields["parent"], fields["queue"], entry, limit, at)


def split_time(stored: str) -> tuple[int, str]:
    """Returns the time in front of what a queue has stored, in ms, and the rest. Raises
    CorruptPayload."""
    at, _, text = stored.partition(" ")
    if not (at.isascii() and at.isdigit() and len(at) < 16):
        raise corrupt("a time in front", at)
    return int(at), text


def due_of(argument: str, at: int) -> Due:
    """When the job is due: a wait counts from ``at`` on, in ms."""
    try:
        due = Due.parse(argument)
    except ValueError:
        raise corrupt("'due' to be a time in ms", argument) from None
    if due.in_ms is not None:
        due = Due(at_ms=at + due.in_ms)
    if due.at_ms is not None and abs(due.at_ms) >= 2**53:
        raise corrupt("'due' to be a time in ms", argument)
    return due


def transition_of(fields: dict[str, Any]) -> Transition | None:
    """What is attached to the enqueueing; None for nothing. Raises CorruptPayload."""
    for name in LISTS:
        if type(fields[name]) is not list:
            raise corrupt(f"{name!r} to be a list", fields[name])
    if not any(fields[name] for name in LISTS):
        return None
    check_claims(fields["claims"])
    found = Transition(fields["queue"], fields["claims"])
    try:
        for number in fields["numbers"]:
            found.newer(*number)
        found.commands = fields["commands"]
        found.checked()
    except (BuoyError, TypeError) as error:
        raise CorruptPayload(f"hand-over: {error}") from None
    return found


def corrupt(wanted: str, got: object) -> CorruptPayload:
    return CorruptPayload(f"hand-over: expected {wanted}, got {short_repr(got):.80}")
