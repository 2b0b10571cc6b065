"""What operators do with jobs that they name, and plugins for them: each act an atomic script."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..broker.broker import Broker
from ..broker.replies import log_refused_commands
from ..broker.script_arguments import ScriptArguments, decode_text, encode_text, split_batches
from ..model.reservation import RoundTripRequest, Settlement
from ..model.transition import CommandArg

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
        for batch in split_batches(entries):
            packing = ScriptArguments([len(batch)])
            for id, failed_at, payload, claims in batch:
                packing.args += [encode_text(id), failed_at, encode_text(payload)]
                packing.add_claims(claims)
            answers += self.broker.run_script("retry", queue, packing)
        return [answer.decode() for answer in answers]

    def remove(
        self,
        queue: str,
        ids: Sequence[str],
        places: str,
        then: Sequence[Sequence[CommandArg]] = (),
    ) -> dict[str, str]:
        """End jobs that lie in one of these places of the queue, and with each send these
        commands; returns where those were that are ended."""
        found: list[bytes] = []
        for batch in split_batches(ids):
            packing = ScriptArguments([len(batch)])
            for id in batch:
                packing.args += [encode_text(id), places]
                packing.add_commands(then)
            answers, refusals = self.broker.run_script("remove", queue, packing)
            log_refused_commands(queue, refusals)
            found += answers
        return {id: place.decode() for id, place in zip(ids, found, strict=True) if place}

    def reschedule(self, queue: str, ids: Sequence[str], at: float | None) -> list[str]:
        """Make delayed jobs due at a time (epoch seconds), or now; returns those that were."""
        due = "" if at is None else round(at * 1000)
        moved: list[int] = []
        for batch in split_batches(ids):
            moved += self.broker.run_script(
                "reschedule", queue, ScriptArguments([due, len(batch), *map(encode_text, batch)])
            )
        return [id for id, answer in zip(ids, moved, strict=True) if answer]

    def release(self, queue: str, claim: str) -> str | None:
        """Free one claim, whoever holds it; returns the id of that job, which stays what it is."""
        holder: bytes | None = self.broker.run_script(
            "release_claim", queue, ScriptArguments([encode_text(claim)])
        )
        return decode_text(holder) if holder else None

    def pause(self, queue: str, *, resume: bool = False) -> bool:
        """Let workers take nothing from the queue, or go on; False if it was so already."""
        words = ScriptArguments(["resume" if resume else "pause"])
        return bool(self.broker.run_script("pause", queue, words))

    def take(self, queue: str, ids: Sequence[str], holder: str) -> list[Taken]:
        """Hold waiting and delayed jobs, as a worker holds a job: by a lease."""
        lease = round(self.broker.settings.lease * 1000)
        taken: list[Taken] = []
        for batch in split_batches(ids):
            words = ScriptArguments([lease, holder, len(batch), *batch])
            now, found = self.broker.run_script("take", queue, words)
            taken += [
                taken_at(now, *map(decode_text, found[n : n + 4])) for n in range(0, len(found), 4)
            ]
        return taken

    def settle(self, queue: str, holder: str, settlements: Sequence[Settlement]) -> None:
        """Say what is to happen with jobs that were taken."""
        self.broker.advance_queue(holder, RoundTripRequest(queue, 0, settlements=settlements))


def taken_at(now: int, id: str, token: str, payload: str, due: str) -> Taken:
    due = due and str(time_of(due))
    return Taken(id, token, payload, due, max(0.0, float(due or now) - now) / 1000)


def time_of(score: str) -> int:
    """A time in milliseconds, such as can be asked for, whatever has been written for it."""
    return round(min(max(0.0, float(score)), 10.0**13 - 1))
