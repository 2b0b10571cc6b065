"""Retries failed jobs in another queue. At each moment one holder has a job, or it lies in one
queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..broker.script_arguments import encode_text
from ..connection.client import RedisSteps
from ..connection.twins import steps_of
from ..errors import EnqueueError
from ..model.due import Due
from ..model.enqueue_answer import EnqueueAnswer
from ..model.entry import Entry
from ..model.reservation import Settlement
from ..model.retry_answer import Retry, RetryAnswer
from ..model.transition import Transition
from .views import JobView

if TYPE_CHECKING:
    from .control import Control


@dataclass(frozen=True, slots=True)
class Leased:
    """A failed job that is taken: as it was, its first attempt, and the token of the holder."""

    view: JobView
    entry: Retry
    token: str


@dataclass(frozen=True, slots=True)
class RetryElsewhere:
    """A retry of failed jobs of one queue in another one.

    It takes a job by a lease, stores it in the other queue under its id, and only then removes it
    from its own. If the process dies in between, the leases run out, and the jobs are retried in
    their own queue. ``holder``: a name for the process, as that of a worker.
    """

    control: "Control"
    source: str
    target: str
    holder: str

    def run(self, jobs: Sequence[tuple[JobView, Retry]]) -> RedisSteps[dict[str, RetryAnswer]]:
        """Retry these jobs of the source; returns id -> answer.

        Raises EnqueueError or another BrokerError if Redis refuses; then the jobs are still failed,
        or they are queued in their own queue when their leases run out.
        """
        entries = [entry for _, entry in jobs]
        taking = steps_of(self.control.take_failed, self.source, entries, self.holder)
        found = yield from taking
        pairs = list(zip(jobs, found, strict=True))
        answers = {view.id: each for (view, _), each in pairs if isinstance(each, RetryAnswer)}
        leased = [Leased(*job, each) for job, each in pairs if isinstance(each, str)]
        return answers | (yield from self.move(leased))

    def move(self, leased: Sequence[Leased]) -> RedisSteps[dict[str, RetryAnswer]]:
        """Store jobs in the target, and then end their leases; returns id -> answer."""
        try:
            entries = [self.new_entry(each) for each in leased]
            stored = yield from self.control.broker.enqueue_steps(self.target, entries)
        except Exception as error:
            if not isinstance(error, EnqueueError) or error.enqueued is False:
                yield from self.keep(leased)
            raise
        pairs = zip(leased, stored, strict=True)
        answers = {each.view.id: retry_answer(each.view.id, answer) for each, answer in pairs}
        yield from self.keep([each for each in leased if not answers[each.view.id].retried])
        moved = [
            Settlement(each.view.id, each.token, self.source, "moved")
            for each in leased
            if answers[each.view.id].retried
        ]
        if moved:
            yield from steps_of(self.control.settle, self.source, self.holder, moved)
        return answers

    def new_entry(self, each: Leased) -> Entry:
        """Returns a job in the form in which it enters the target."""
        payload, claims = each.entry.payload, each.entry.claims
        transition = Transition(self.target, claims=claims)
        return Entry(each.view.id, encode_text(payload), "", Due(in_ms=0), transition)

    def keep(self, leased: Sequence[Leased]) -> RedisSteps[None]:
        """Put jobs back into the failed set, as they were."""
        kept = [(e.view.id, e.token, e.view.stored, e.view.detail) for e in leased]
        if kept:
            yield from steps_of(self.control.keep_failed, self.source, kept)


def retry_answer(id: str, answer: EnqueueAnswer) -> RetryAnswer:
    """Returns what the answer of the target means for the retry of the job of this id."""
    if answer.kind == "exists":
        return RetryAnswer("exists", answer.holder or id)
    if answer.kind in ("ended", "blocked", "delayed"):
        return RetryAnswer(answer.kind)
    return RetryAnswer("queued")
