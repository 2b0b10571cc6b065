"""What operators and plugins do with jobs that they name. Each change is one atomic script."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..broker.broker import Broker
from ..broker.replies import log_refused_commands
from ..broker.script_arguments import ScriptArguments, decode_text, encode_text, split_batches
from ..model.reservation import RoundTripRequest, Settlement
from ..model.retry_answer import RetryAnswer
from ..model.transition import CommandArg

Retry = tuple[str, str | int, str, Sequence[Sequence[str]]]
"""A failed job: id, when it failed (ms, as Redis has it), payload of a first attempt, claims."""

LATEST_MS = 10.0**13 - 1
"""The latest due time that buoy reads, in ms since the epoch."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that was taken out of turn.

    ``due``: ms since the epoch, or empty if the job was queued. ``wait``: seconds until then, by
    the clock of Redis.
    """

    id: str
    token: str
    payload: str
    due: str
    wait: float


class Control:
    """Ends, retries, moves and reschedules jobs. Skips ids that are not there.

    Each method sends one script for some hundred jobs. All methods raise BrokerError if Redis
    refuses or does not answer; then the jobs of earlier scripts are changed, the others are not.
    """

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    def retry(self, queue: str, entries: Sequence[Retry]) -> list[RetryAnswer]:
        """Move failed jobs to the tail of their queue; returns an answer for each, in order."""
        answers: list[bytes] = []
        for batch in split_batches(entries):
            packing = ScriptArguments([len(batch)])
            for id, failed_at, payload, claims in batch:
                packing.args += [encode_text(id), failed_at, encode_text(payload)]
                packing.add_claims(claims)
            answers += self.broker.run_script("retry", queue, packing)
        return [RetryAnswer.parse(decode_text(answer)) for answer in answers]

    def remove(
        self,
        queue: str,
        ids: Sequence[str],
        states: str,
        commands: Sequence[Sequence[CommandArg]] = (),
    ) -> dict[str, str]:
        """End the jobs that are in one of these states; returns id -> state of the ended jobs.

        ``states``: some of "queued", "delayed", "running", "failed", separated by spaces.
        ``commands``: sent to Redis for each job that ends, in the same instant.
        """
        found: list[bytes] = []
        for batch in split_batches(ids):
            packing = ScriptArguments([len(batch)])
            for id in batch:
                packing.args += [encode_text(id), states]
                packing.add_commands(commands)
            answers, refusals = self.broker.run_script("remove", queue, packing)
            log_refused_commands(queue, refusals)
            found += answers
        return {id: state.decode() for id, state in zip(ids, found, strict=True) if state}

    def reschedule(self, queue: str, ids: Sequence[str], at: float | None) -> list[str]:
        """Give delayed jobs another due time (epoch seconds), or make them due now.

        Returns the ids of the jobs that were delayed.
        """
        due = "" if at is None else round(at * 1000)
        moved: list[int] = []
        for batch in split_batches(ids):
            moved += self.broker.run_script(
                "reschedule", queue, ScriptArguments([due, len(batch), *map(encode_text, batch)])
            )
        return [id for id, answer in zip(ids, moved, strict=True) if answer]

    def release(self, queue: str, claim: str) -> str | None:
        """Free a claim; returns the id of the job that held it, or None. That job continues."""
        holder: bytes | None = self.broker.run_script(
            "release_claim", queue, ScriptArguments([encode_text(claim)])
        )
        return decode_text(holder) if holder else None

    def pause(self, queue: str, *, resume: bool = False) -> bool:
        """Pause or resume a queue; returns False if it was paused, or not paused, already.

        Workers take nothing from a paused queue.
        """
        words = ScriptArguments(["resume" if resume else "pause"])
        return bool(self.broker.run_script("pause", queue, words))

    def take(self, queue: str, ids: Sequence[str], holder: str) -> list[Taken]:
        """Take queued and delayed jobs out of turn, each by a lease, as a worker does.

        Returns the jobs that were there. If they are not settled, they return when the leases run
        out.
        """
        lease = round(self.broker.settings.lease * 1000)
        taken: list[Taken] = []
        for batch in split_batches(ids):
            words = ScriptArguments([lease, holder, len(batch), *batch])
            now, found = self.broker.run_script("take", queue, words)
            rows = [map(decode_text, found[n : n + 4]) for n in range(0, len(found), 4)]
            taken += [taken_job(now, *row) for row in rows]
        return taken

    def settle(self, queue: str, holder: str, settlements: Sequence[Settlement]) -> None:
        """Settle jobs that this holder has taken."""
        self.broker.advance_queue(holder, RoundTripRequest(queue, 0, settlements=settlements))


def taken_job(now: int, id: str, token: str, payload: str, due: str) -> Taken:
    """Return a job as lua/take.lua returns it; ``now`` in ms."""
    due = due and str(readable_ms(due))
    return Taken(id, token, payload, due, max(0.0, float(due or now) - now) / 1000)


def readable_ms(score: str) -> int:
    """Return a time in ms, moved into the range of times that buoy accepts."""
    return round(min(max(0.0, float(score)), LATEST_MS))
