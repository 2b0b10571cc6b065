"""Reservations of jobs, their settlements, and the round trips that send these to Redis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self

from .handover import Child
from .payload import class_in
from .transition import CommandArg, count_args

OutcomeWord = Literal["done", "delayed", "failed", "rejected", "released", "crashed", "moved"]


# Reservation and Settlement are tuples because tuples are made fastest: each job has one of both.


class Reservation(NamedTuple):
    """A job that one run holds until it is settled, or until its lease runs out.

    ``token``: identifies the run. ``lost``: how many leases this job has lost in a row. ``now``:
    the clock of Redis when the job was reserved, epoch seconds. ``due``: since when it was due,
    epoch seconds; 0.0 if that is since it was enqueued.
    """

    id: str
    token: str
    queue: str
    payload: str
    lost: int = 0
    now: float = 0.0
    worker: str = ""
    crash_limit_reached: bool = False
    """Whether the job has lost more leases than ``max_crashes`` allows. Then it is not run;
    ``on_failure`` is called instead."""
    due: float = 0.0
    begun: bool = False
    """Whether a run of it had begun before this one."""

    def waited(self, enqueued_at: float) -> float:
        """The seconds between due and reserved, for a job that was enqueued then."""
        seconds = self.now - (self.due or enqueued_at)
        return seconds if seconds > 0.0 else 0.0  # noqa: FURB136 - max() takes twice as long


class Settlement(NamedTuple):
    """The change of a reserved job when its run ends.

    ``payload``: the new one, empty if it stays. ``wait``: seconds until the job is due again; if
    it is released: when (epoch seconds), 0.0 for at once. ``name``: the wire name of its class;
    empty if nothing is to be counted. ``waited``: seconds between due and reserved. ``seconds``:
    how long it has run; None if it had not begun. ``children``: the jobs that it enqueues by ending
    well. ``commands``: what plugins have attached.
    """

    id: str
    token: str
    queue: str
    outcome: OutcomeWord
    payload: str = ""
    wait: float = 0.0
    name: str = ""
    waited: float = 0.0
    seconds: float | None = None
    children: Sequence[Child] = ()
    commands: Sequence[Sequence[CommandArg]] = ()

    @property
    def plain(self) -> bool:
        """Whether the job is done and nothing else is to be written, as for most jobs."""
        return self.outcome == "done" and not self.commands and not self.children

    @property
    def size(self) -> int:
        """How many arguments of a script it takes."""
        return 9 + count_args(self.commands) + count_args(self.children)

    @classmethod
    def of(cls, reservation: Reservation, outcome: OutcomeWord, **facts: Any) -> Self:
        """The settlement of a reservation; ``facts``: its other fields."""
        if "name" not in facts:
            facts["name"] = class_in(reservation.payload)
        return cls(reservation.id, reservation.token, reservation.queue, outcome, **facts)


NO_WORKER = "0:inline:0"
"""The token of a job that runs in the process that enqueues it: no worker holds it."""


def worker_in(token: str) -> str:
    """The id of the worker in the token of a run, NUMBER@TIME:WORKER:CALL; "" if it has no such
    form."""
    parts = token.split(":")
    return parts[1] if len(parts) > 2 else ""


def since_in(token: str) -> float | None:
    """When the job was reserved, epoch seconds, by the token of its run; None if it does not
    tell."""
    return time_in(token.encode(errors="surrogateescape").partition(b":")[0])


def time_in(number: bytes) -> float | None:
    """Returns what ``since_in`` does, by the part NUMBER@TIME of a token as Redis has it."""
    time = number.partition(b"@")[2]
    return int(time) / 1000 if time.isdigit() and len(time) < 16 else None


QueueStatus = tuple[int, float | None]
"""How many jobs are queued, and when the next delayed job is due; None if none is delayed.

The time is of the clock of Redis, in epoch seconds.
"""


@dataclass(slots=True)
class RoundTripRequest:
    """What a worker asks of one queue in a round trip: to settle jobs and to reserve others.

    ``number``: grows with each request of the worker. When the reply is lost, the request is sent
    again as it was, with ``is_repeat``: then jobs that were reserved for it are handed over again.
    ``wanted``: how many jobs to reserve at most. ``in_flight``: how many jobs the worker keeps.
    """

    queue: str
    number: int
    wanted: int = 0
    in_flight: int = 0
    settlements: Sequence[Settlement] = ()
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class RoundTripReply:
    """The reply to a request; see lua/advance.lua.

    ``now``: the clock of Redis, epoch seconds. ``state``: of the queue, "" or "paused"; or "alone",
    when its next job must run while the worker runs no other.
    """

    now: float
    status: QueueStatus
    state: str
    refused: list[Settlement]
    """The settlements that were not applied: their runs have lost the lease."""
    reservations: list[Reservation]
    handovers: int = 0
    """How many jobs are to be handed over to other queues, as far as this script has looked."""


class HeartbeatReply(NamedTuple):
    """The reply to a heartbeat.

    ``lost``: the reservations whose lease is lost. ``late``: the queues in which some worker has
    missed a heartbeat; see lua/heal.lua. ``handing_over``: the queues from which jobs are to be
    handed over to others. ``unseen``: by queue the ids of groups that a worker is to look at.
    """

    lost: list[Reservation]
    late: list[str]
    handing_over: set[str]
    unseen: dict[str, list[str]]
