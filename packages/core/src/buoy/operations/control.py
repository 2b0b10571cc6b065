"""What operators do with jobs that they name, and plugins for them: each act an atomic script."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..broker.broker import Broker, report
from ..broker.script_arguments import Packing, batches, raw, text
from ..model.reservation import Advance, Settlement
from ..model.transition import Word

Retry = tuple[str, str | int, str, Sequence[Sequence[str]]]
"""A failed job: id, when it failed (as Redis has it), payload of a first attempt, claims."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A job taken out of turn. ``due``: ms since the epoch, empty if it waited; ``wait``: seconds
    until then, by the Redis clock."""

    id: str
    token: str
    payload: str
    due: str
    wait: float


class Control:
    """Ends, moves and varies jobs wherever they lie. Ids that are not there are passed over."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    def retry(self, queue: str, entries: Sequence[Retry]) -> list[str]:
        """Move failed jobs back to their queue; the answers are those of lua/retry.lua."""
        answers: list[bytes] = []
        for batch in batches(entries):
            packing = Packing([len(batch)])
            for id, failed_at, payload, claims in batch:
                packing.words += [raw(id), failed_at, raw(payload)]
                packing.claims(claims)
            answers += self.broker.run("retry", queue, packing)
        return [answer.decode() for answer in answers]

    def remove(
        self,
        queue: str,
        ids: Sequence[str],
        places: str,
        then: Sequence[Sequence[Word]] = (),
    ) -> dict[str, str]:
        """End jobs that lie in one of these places of the queue, and with each send these
        commands; returns where those were that are ended."""
        found: list[bytes] = []
        for batch in batches(ids):
            packing = Packing([len(batch)])
            for id in batch:
                packing.words += [raw(id), places]
                packing.commands(then)
            answers, refusals = self.broker.run("remove", queue, packing)
            report(queue, refusals)
            found += answers
        return {id: place.decode() for id, place in zip(ids, found, strict=True) if place}

    def reschedule(self, queue: str, ids: Sequence[str], at: float | None) -> list[str]:
        """Make delayed jobs due at a time (epoch seconds), or now; returns those that were."""
        due = "" if at is None else round(at * 1000)
        moved: list[int] = []
        for batch in batches(ids):
            moved += self.broker.run(
                "reschedule", queue, Packing([due, len(batch), *map(raw, batch)])
            )
        return [id for id, answer in zip(ids, moved, strict=True) if answer]

    def release(self, queue: str, claim: str) -> str | None:
        """Free one claim, whoever holds it; returns the id of that job, which stays what it is."""
        holder: bytes | None = self.broker.run("release_claim", queue, Packing([raw(claim)]))
        return text(holder) if holder else None

    def pause(self, queue: str, *, resume: bool = False) -> bool:
        """Let workers take nothing from the queue, or go on; False if it was so already."""
        words = Packing(["resume" if resume else "pause"])
        return bool(self.broker.run("pause", queue, words))

    def take(self, queue: str, ids: Sequence[str], holder: str) -> list[Taken]:
        """Hold waiting and delayed jobs, as a worker holds a job: by a lease."""
        lease = round(self.broker.settings.lease * 1000)
        taken: list[Taken] = []
        for batch in batches(ids):
            words = Packing([lease, holder, len(batch), *batch])
            now, found = self.broker.run("take", queue, words)
            taken += [taken_at(now, *map(text, found[n : n + 4])) for n in range(0, len(found), 4)]
        return taken

    def settle(self, queue: str, holder: str, settlements: Sequence[Settlement]) -> None:
        """Say what is to happen with jobs that were taken."""
        self.broker.visit(holder, Advance(queue, 0, settlements=settlements))


def taken_at(now: int, id: str, token: str, payload: str, due: str) -> Taken:
    due = due and str(time_of(due))
    return Taken(id, token, payload, due, max(0.0, float(due or now) - now) / 1000)


def time_of(score: str) -> int:
    """A time in milliseconds, such as can be asked for, whatever has been written for it."""
    return round(min(max(0.0, float(score)), 10.0**13 - 1))
