"""What operators and plugins do with jobs that they name. Each change is one atomic script."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from ..broker.broker import Broker
from ..broker.redis_access import command_steps
from ..broker.replies import log_refused_commands
from ..broker.script_arguments import (
    ScriptArguments,
    decode_text,
    encode_text,
    readable_ms,
    split_batches,
)
from ..connection.client import RedisSteps
from ..connection.twins import awaiting, blocking, steps_of
from ..model.reservation import RoundTripRequest, Settlement
from ..model.retry_answer import Retry, RetryAnswer, Waiting
from ..model.transition import CommandArg, check_pace
from .removed_job import RemovedJob

Kept = tuple[str, str, str, str | int]
"""A failed job that stays failed: id, token of its holder, its payload, when it failed (ms)."""

LIMIT_PAGE = 200
"""How many blocked jobs one script queues when a limit is raised."""

EditAnswer = Literal["edited", "gone", "running", "changed"]
"""What lua/edit.lua answers."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that was taken out of turn.

    ``due``: ms since the epoch, or empty if the job was queued or blocked. ``since``: of a queued
    job, since when it is due (ms since the epoch); empty if it is so since it was enqueued.
    """

    id: str
    token: str
    payload: str
    due: str
    since: str


class Control:
    """Ends, retries, moves and reschedules jobs. Skips ids that are not there.

    Each method sends one script for some hundred jobs. All methods raise BrokerError if Redis
    refuses or does not answer; then the jobs of earlier scripts are changed, the others are not.
    """

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.run_steps, self.arun_steps = broker.run_steps, broker.arun_steps

    def script(self, name: str, queue: str, words: ScriptArguments) -> RedisSteps[Any]:
        """Run a script on a queue; returns its reply."""
        return steps_of(self.broker.run_script, name, queue, words)

    @blocking
    def retry(self, queue: str, entries: Sequence[Retry]) -> RedisSteps[list[RetryAnswer]]:
        """Move failed jobs to the tail of their queue; returns an answer for each, in order."""
        answers: list[bytes] = []
        for batch in split_batches(entries):
            answers += yield from self.script("retry", queue, packed_failures(batch))
        return [RetryAnswer.parse(decode_text(answer)) for answer in answers]

    aretry = awaiting(retry)

    @blocking
    def take_failed(
        self, queue: str, entries: Sequence[Retry], holder: str
    ) -> RedisSteps[list[RetryAnswer | str]]:
        """Take failed jobs, each by a lease; returns the token of each, or why it stays.

        If they are not settled or kept, they are queued when the leases run out.
        """
        lease = round(self.broker.settings.lease * 1000)
        answers: list[bytes] = []
        for batch in split_batches(entries):
            words = packed_failures(batch, lease, holder)
            answers += yield from self.script("take_failed", queue, words)
        texts = map(decode_text, answers)
        return [
            text.removeprefix("taken ") if text.startswith("taken ") else RetryAnswer.parse(text)
            for text in texts
        ]

    @blocking
    def keep_failed(self, queue: str, entries: Sequence[Kept]) -> RedisSteps[None]:
        """Put jobs back into the failed set that a holder has taken by ``take_failed``."""
        for batch in split_batches(entries):
            packing = ScriptArguments([len(batch)])
            for id, token, payload, failed_at in batch:
                packing.args += [encode_text(id), token, encode_text(payload), failed_at]
            yield from self.script("keep_failed", queue, packing)

    @blocking
    def restore_failed(self, queue: str, jobs: Sequence[RemovedJob]) -> RedisSteps[list[str]]:
        """Put removed jobs of a queue back into the failed set; returns the ids of those that are
        there again. An id that is in use stays as it is."""
        answers: list[int] = []
        for batch in split_batches(jobs):
            packing = ScriptArguments([len(batch)])
            for each in batch:
                packing.args += [encode_text(each.id), encode_text(each.payload), each.failed_at]
            answers += yield from self.script("restore_failed", queue, packing)
        return [each.id for each, answer in zip(jobs, answers, strict=True) if answer]

    arestore_failed = awaiting(restore_failed)

    @blocking
    def edit(self, queue: str, id: str, seen: str, payload: str) -> RedisSteps[EditAnswer]:
        """Give a job that does not run another payload, if its payload is still ``seen``."""
        words = ScriptArguments([encode_text(id), encode_text(seen), encode_text(payload)])
        answer: bytes = yield from self.script("edit", queue, words)
        return answer.decode()  # type: ignore[return-value]  # lua/edit.lua returns only these

    aedit = awaiting(edit)

    @blocking
    def remove(
        self,
        queue: str,
        ids: Sequence[str],
        states: str | Sequence[str],
        commands: Sequence[Sequence[CommandArg]] = (),
    ) -> RedisSteps[dict[str, str]]:
        """End the jobs that are in one of these states; returns id -> state of the ended jobs.

        ``states``: some of "queued", "delayed", "blocked", "running", "failed", each after a space;
        "failed=MS" for a job only if it has failed at this time; or a text for each job.
        ``commands``: sent to Redis for each job that ends, in the same instant.
        """
        found: list[bytes] = []
        allowed = [states] * len(ids) if isinstance(states, str) else states
        for batch in split_batches([*zip(ids, allowed, strict=True)]):
            packing = ScriptArguments([len(batch)])
            for id, states_of_job in batch:
                packing.args += [encode_text(id), states_of_job]
                packing.add_commands(commands)
            answers, refusals = yield from self.script("remove", queue, packing)
            log_refused_commands(queue, refusals)
            found += answers
        return {id: state.decode() for id, state in zip(ids, found, strict=True) if state}

    aremove = awaiting(remove)

    @blocking
    def reschedule(
        self, queue: str, ids: Sequence[str], at: float | None
    ) -> RedisSteps[dict[str, Waiting]]:
        """Give delayed jobs another due time (epoch seconds), or make them due now.

        Returns for the jobs that were delayed id -> where each is now: "delayed", "queued", or
        "blocked" by a limit.
        """
        due = "" if at is None else round(at * 1000)
        found: list[bytes] = []
        for batch in split_batches(ids):
            words = ScriptArguments([due, len(batch), *map(encode_text, batch)])
            found += yield from self.script("reschedule", queue, words)
        places = [decode_text(answer) for answer in found]
        return {id: cast(Waiting, at) for id, at in zip(ids, places, strict=True) if at}

    areschedule = awaiting(reschedule)

    @blocking
    def release(self, queue: str, claim: str) -> RedisSteps[str | None]:
        """Free a claim; returns the id of the job that held it, or None. That job continues."""
        words = ScriptArguments([encode_text(claim)])
        holder: bytes | None = yield from self.script("release_claim", queue, words)
        return decode_text(holder) if holder else None

    arelease = awaiting(release)

    @blocking
    def set_limit(self, queue: str, key: str, limit: int | None) -> RedisSteps[int]:
        """Set how many permits of a key a queue has, whatever its jobs declare; with None, what
        they declare counts again. Returns how many blocked jobs are queued now.

        With a lower limit, jobs that have permits keep them. 0 lets no further job in.
        """
        queued, page = 0, LIMIT_PAGE
        while page == LIMIT_PAGE:
            words = ["" if limit is None else limit, LIMIT_PAGE]
            arguments = ScriptArguments([encode_text(key), *words])
            _, page = yield from self.script("limit", queue, arguments)
            queued += page
        return queued

    aset_limit = awaiting(set_limit)

    @blocking
    def set_pace(
        self, queue: str, key: str, interval: float | None, burst: int = 1
    ) -> RedisSteps[int]:
        """Set how many seconds lie between two jobs of a pace, and how many may begin together,
        whatever its jobs declare; with None, what they declare counts again.

        The jobs that wait for their times get new ones, in their order; returns how many do. It
        looks at the 20 000 delayed jobs of the queue that are due first: others keep their times.
        Raises PluginError for other numbers.
        """
        words: list[str | int] = ["", ""]
        if interval is not None:
            check_pace(interval, burst, "set_pace")
            words = [round(interval * 1e6), burst]
        arguments = ScriptArguments([encode_text(key), *words])
        changed: int = yield from self.script("pace", queue, arguments)
        return changed

    aset_pace = awaiting(set_pace)

    @blocking
    def lift_throttle(self, queue: str, key: str) -> RedisSteps[str | None]:
        """Let the next job of a key be enqueued; returns the id of the job that throttled it, or
        None if none did."""
        words = ScriptArguments([encode_text(key)])
        id: bytes | None = yield from self.script("lift", queue, words)
        return decode_text(id) if id else None

    alift_throttle = awaiting(lift_throttle)

    @blocking
    def pause(self, queue: str, *, resume: bool = False) -> RedisSteps[bool]:
        """Pause or resume a queue; returns False if it was paused, or not paused, already.

        Workers take nothing from a paused queue.
        """
        words = ScriptArguments(["resume" if resume else "pause"])
        return bool((yield from self.script("pause", queue, words)))

    apause = awaiting(pause)

    @blocking
    def pause_all(self) -> RedisSteps[bool]:
        """Let no worker take jobs, also those that start later; returns False if it was so already.

        Workers see it within a second or so. Running jobs continue, and jobs can be enqueued.
        """
        seconds, micros = yield from command_steps("TIME")
        since = int(seconds) * 1000 + int(micros) // 1000
        stored = yield from command_steps("SET", self.broker.keys.paused(), since, "NX")
        return stored is not None

    apause_all = awaiting(pause_all)

    @blocking
    def resume_all(self) -> RedisSteps[bool]:
        """End the pause of ``pause_all``; returns False if there was none. Queues that were paused
        by name stay paused."""
        return bool((yield from command_steps("DEL", self.broker.keys.paused())))

    aresume_all = awaiting(resume_all)

    @blocking
    def take(self, queue: str, ids: Sequence[str], holder: str) -> RedisSteps[list[Taken]]:
        """Take queued, blocked and delayed jobs out of turn, each by a lease, as a worker does.

        Returns the jobs that were there. If they are not settled, they return when the leases run
        out.
        """
        lease = round(self.broker.settings.lease * 1000)
        taken: list[Taken] = []
        for batch in split_batches(ids):
            words = ScriptArguments([lease, holder, len(batch), *batch])
            found = yield from self.script("take", queue, words)
            rows = [map(decode_text, found[n : n + 5]) for n in range(0, len(found), 5)]
            taken += [taken_job(*row) for row in rows]
        return taken

    @blocking
    def settle(
        self, queue: str, holder: str, settlements: Sequence[Settlement]
    ) -> RedisSteps[None]:
        """Settle jobs that this holder has taken."""
        request = RoundTripRequest(queue, 0, settlements=settlements)
        yield from steps_of(self.broker.settle_taken, holder, request)


def packed_failures(entries: Sequence[Retry], *before: str | int) -> ScriptArguments:
    """Returns failed jobs as lua/failed.lua reads them, after the words ``before``."""
    packing = ScriptArguments([*before, len(entries)])
    for each in entries:
        packing.args += [encode_text(each.id), each.failed_at, each.seen]
        packing.args.append(encode_text(each.payload))
        packing.add_claims(each.claims)
    return packing


def taken_job(id: str, token: str, payload: str, due: str, since: str) -> Taken:
    """Returns a job as lua/take.lua returns it."""
    due, since = due and str(readable_ms(due)), since and str(readable_ms(since))
    return Taken(id, token, payload, due, since)
