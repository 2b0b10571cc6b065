"""What a worker holds, and what it says of itself."""

import os
import secrets
import socket
import time
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from ..model.reservation import Reservation, Settlement


def worker_id() -> str:
    """A name for one worker: host, process and a random part."""
    host = "".join(c if c.isalnum() or c in ".-" else "-" for c in socket.gethostname())
    return f"{host}-{os.getpid()}-{secrets.token_hex(3)}"


@dataclass
class InFlight:
    """What a worker holds. Both threads use it: each operation is one of a dict."""

    held: dict[str, Reservation] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    """How many jobs were settled how."""

    def take(self, reservations: Iterable[Reservation]) -> None:
        """Hold these."""
        self.held.update((each.token, each) for each in reservations)

    def older(self, taken: Sequence[Reservation]) -> list[Reservation]:
        """What is held of the same jobs by runs before these: those have lost their leases."""
        if not taken or len(self.held) == len(taken):
            return []
        runs = {(each.queue, each.id): each.token for each in taken}
        held = list(self.held.values())
        return [each for each in held if runs.get((each.queue, each.id), each.token) != each.token]

    def drop(self, lost: Iterable[Reservation]) -> None:
        """Hold these no longer: others may have them."""
        for each in lost:
            self.held.pop(each.token, None)

    def settled(self, settlements: Iterable[Settlement], refused: Container[Settlement]) -> None:
        """Hold these no longer: it is known what has become of them, but for those refused."""
        for each in settlements:
            if self.held.pop(each.token, None) and each not in refused:
                self.counts[each.outcome] += 1

    def by_queue(self, queues: Iterable[str]) -> dict[str, list[Reservation]]:
        """What is held, by queue; these queues in any case."""
        found: dict[str, list[Reservation]] = {queue: [] for queue in queues}
        for each in list(self.held.values()):
            found.setdefault(each.queue, []).append(each)
        return found

    def __len__(self) -> int:
        return len(self.held)


@dataclass
class WorkerRegistration:
    """What a worker says of itself; see ``buoy workers``."""

    id: str
    queues: str
    executor: str
    slots: int
    state: str = "running"
    started_at: float = field(default_factory=time.time)

    def words(self) -> list[str]:
        facts = {"host": socket.gethostname(), "pid": os.getpid(), "queues": self.queues}
        facts |= {"executor": self.executor, "slots": self.slots, "state": self.state}
        facts["started_at"] = round(self.started_at, 3)
        return [str(word) for pair in facts.items() for word in pair]
