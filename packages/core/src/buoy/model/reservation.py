"""A job in the hands of a worker, what became of it, and the trips that say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self

from .transition import Word, words_of

OutcomeWord = Literal["done", "delayed", "failed", "rejected", "released", "crashed", "moved"]


# Reservation and Settlement are tuples, since those are made fastest: one of each a job.


class Reservation(NamedTuple):
    """A job that one run holds until it is settled, or its lease runs out.

    ``lost`` counts the leases that this job lost in a row; ``now`` is the Redis clock, in seconds.
    """

    id: str
    token: str
    queue: str
    payload: str
    lost: int = 0
    now: float = 0.0
    worker: str = ""
    given_up: bool = False
    """So many leases are lost that it is not run again: ``on_failure`` is asked instead."""


class Settlement(NamedTuple):
    """What is to happen with a reserved job; ``wait`` in seconds, ``payload`` if it changes."""

    id: str
    token: str
    queue: str
    outcome: OutcomeWord
    payload: str = ""
    wait: float = 0.0
    commands: Sequence[Sequence[Word]] = ()

    @property
    def plain(self) -> bool:
        """Whether this is the common case: done, and nothing else to write."""
        return self.outcome == "done" and not self.commands

    @property
    def size(self) -> int:
        """How many words it takes."""
        return 6 + words_of(self.commands)

    @classmethod
    def of(cls, held: Reservation, outcome: OutcomeWord, **facts: Any) -> Self:
        """What becomes of a reservation."""
        return cls(held.id, held.token, held.queue, outcome, **facts)


Look = tuple[int, float | None]
"""How many jobs wait in a queue, and when its next delayed one is due (Redis clock, seconds)."""


@dataclass(slots=True)
class Advance:
    """A worker's trip to one queue: what it settles there and how much it wants.

    When its reply is lost, it is asked ``again``, under the same ``number``.
    """

    queue: str
    number: int
    wanted: int = 0
    hands: int = 0
    settlements: Sequence[Settlement] = ()
    again: bool = False


@dataclass(frozen=True, slots=True)
class Advanced:
    """The answer to a trip; see lua/advance.lua."""

    now: float
    look: Look
    state: str
    refused: list[Settlement]
    """Whose tokens hold their jobs no longer."""
    reservations: list[Reservation]


class HeartbeatReply(NamedTuple):
    """The answer to a heartbeat: what is held no longer, and the queues where some holder has
    missed a beat; see lua/heal.lua."""

    lost: list[Reservation]
    late: list[str]
