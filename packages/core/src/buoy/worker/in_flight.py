"""The jobs that a worker has reserved and not yet settled."""

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from ..model.reservation import Reservation, Settlement


@dataclass
class InFlight:
    """The jobs in flight, by token, and how many were settled with which outcome.

    The main thread and the heartbeat thread use it at the same time: each step is one operation of
    a dict.
    """

    reservations: dict[str, Reservation] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    ended: dict[str, Settlement] = field(default_factory=dict)
    """The settlements that the main thread has and Redis has not answered, by token."""

    def add(self, reservations: Iterable[Reservation]) -> None:
        """Add jobs that were just reserved."""
        self.reservations.update((each.token, each) for each in reservations)

    def end(self, settlements: Iterable[Settlement]) -> list[Settlement]:
        """Note how jobs have ended. Returns the settlements of those that are in flight."""
        ours = [each for each in settlements if each.token in self.reservations]
        self.ended.update((each.token, each) for each in ours)
        return ours

    def remove(self, lost: Iterable[Reservation]) -> None:
        """Remove jobs whose leases are lost: other workers may have them."""
        for each in lost:
            self.reservations.pop(each.token, None)
            self.ended.pop(each.token, None)

    def settle(self, settlements: Iterable[Settlement], refused: Container[Settlement]) -> None:
        """Remove the jobs of settlements that Redis has answered, and count those that it has not
        refused."""
        for each in settlements:
            self.ended.pop(each.token, None)
            if self.reservations.pop(each.token, None) and each not in refused:
                self.counts[each.outcome] += 1

    def runs(self) -> int:
        """How many jobs were run: all settled jobs except the released ones."""
        return self.counts.total() - self.counts["released"]

    def tokens(self) -> set[str]:
        """The tokens of all jobs in flight."""
        return set(self.reservations)

    def all(self) -> list[Reservation]:
        """All jobs in flight, the first reserved first."""
        return list(self.reservations.values())

    def by_queue(self, queues: Iterable[str]) -> dict[str, list[Reservation]]:
        """All jobs in flight, by queue. Each of ``queues`` is a key, also without jobs."""
        found: dict[str, list[Reservation]] = {queue: [] for queue in queues}
        for each in self.all():
            found.setdefault(each.queue, []).append(each)
        return found

    def earlier_runs(self, taken: Sequence[Reservation]) -> list[Reservation]:
        """Earlier reservations in flight of jobs that were now reserved again: they have lost
        their leases."""
        if not taken or len(self.reservations) == len(taken):
            return []
        tokens = {(each.queue, each.id): each.token for each in taken}
        return [
            each
            for each in self.all()
            if tokens.get((each.queue, each.id), each.token) != each.token
        ]

    def __contains__(self, token: str) -> bool:
        return token in self.reservations

    def __len__(self) -> int:
        return len(self.reservations)
