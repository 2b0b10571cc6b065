"""The end of a job on its way to the group that is to know of it: both are one change, though the
group may live on another node of a cluster."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, Self, get_args

from .handover import Handover, corrupt, split_time
from .names import is_queue

MemberOutcome = Literal["done", "failed", "expired", "cancelled", "lost"]
OUTCOMES = get_args(MemberOutcome)
"""How a member of a group has ended; "lost": its job is gone, and nobody knows how it has ended."""


class GroupKey(NamedTuple):
    """A group: the queue in which it lives, and its id."""

    home: str
    id: str


def is_group(member: str) -> bool:
    """Whether a member is a group: its name is the home and the id of that, and has no blank."""
    return " " not in member


def group_in(member: str) -> GroupKey:
    """Returns a group by its name as a member of another."""
    home, _, id = member.partition(":")
    return GroupKey(home, id)


def place_in(member: str) -> tuple[str, str]:
    """Returns queue and id of a job by its name as a member of a group."""
    queue, _, id = member.partition(" ")
    return queue, id


def groups_in(claims: Iterable[Sequence[str]]) -> list[GroupKey]:
    """Returns the groups that are told of the end of a job with these claims."""
    told = [claim.split(" ", 2) for claim, kind in claims if kind == "ended"]
    return [GroupKey(home, id) for home, id, *_ in told]


class Ending(NamedTuple):
    """The end of a job, as its queue has noted it for a group.

    ``queue``: the home of the group. ``member``: the name of the job in the group. ``at``: when it
    ended, in ms.
    """

    queue: str
    group: str
    member: str
    outcome: str
    at: int = 0

    @classmethod
    def parse(cls, text: str, at: int) -> Self:
        """The end that lua/free.lua has noted: ``end OUTCOME HOME GROUP MEMBER``. Raises
        CorruptPayload for anything else."""
        words = text.split(" ", 4)
        if len(words) < 5 or words[1] not in OUTCOMES or not is_queue(words[2]) or ":" in words[3]:
            raise corrupt("end, an outcome, a queue, a group and a member", text)
        _, outcome, queue, group, member = words
        return cls(queue, group, member, outcome, at)


def parse_handover(stored: str) -> Handover | Ending:
    """What a queue has stored to be handed over: a job, or the end of one. Raises
    CorruptPayload."""
    at, text = split_time(stored)
    return Ending.parse(text, at) if text.startswith("end ") else Handover.parse(stored)
