"""What an app does with jobs that are in Redis: look for them, end them, run them again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..broker.redis_access import RedisAccess
from ..connection.client import RedisSteps
from ..connection.twins import awaiting, blocking, steps_of
from ..errors import BrokerError, Unavailable, WrongType
from ..jobs.building import build_job
from ..jobs.facts import Bearer, facts
from ..jobs.job import Job
from ..model.checks import expect
from ..model.names import checked_queue
from ..model.options import AS_DECLARED, epoch_seconds
from ..model.retry_answer import RetryAnswer

if TYPE_CHECKING:
    from .control import Control, EditAnswer
    from .failures import Failures
    from .monitor import Monitor
    from .move import Moved
    from .repair import Fault
    from .views import JobView

EDIT_TRIES = 5
"""How often ``edit`` reads a job again that changes meanwhile."""


class PassedQueues:
    """Within ``with passed:`` a queue is passed over if it cannot be reached, or has a key of a
    wrong type: the jobs may be in others."""

    error: BrokerError | None = None
    """The error of the first one."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, WrongType | Unavailable):
            return False
        self.error = self.error or error
        return True

    def check(self) -> None:
        """Raise the error, if a queue was passed over."""
        if self.error is not None:
            raise self.error


class JobAccess(RedisAccess):
    """Base class of App: looks for jobs, ends them, and runs them again. Loads what talks to Redis
    when it is first needed."""

    @cached_property
    def control(self) -> "Control":
        """The acts of operators: end, move, pause."""
        from .control import Control

        return Control(self.broker)

    @cached_property
    def monitor(self) -> "Monitor":
        """Read-only views of queues, jobs, failures and workers."""
        from .monitor import Monitor

        return Monitor(self.broker)

    @cached_property
    def failures(self) -> "Failures":
        """The failed jobs: find, count, retry and remove them."""
        from .failures import Failures

        return Failures(self.monitor, self.control)

    @blocking
    def find(self, id: str, queue: str | None = None) -> "RedisSteps[JobView | None]":
        """Returns the job and where it is; None if no queue has it. Without ``queue`` it searches
        all queues."""
        return steps_of(self.monitor.find, id, queue)

    afind = awaiting(find)

    @blocking
    def dequeue(self, job: type[Job] | str, *args: Any, **kwargs: Any) -> RedisSteps[list[str]]:
        """End queued, blocked and delayed jobs: the one with this id, or those of a class; with
        arguments, only those with these arguments. Returns the ids of the jobs that it has ended.
        Running jobs continue."""
        if isinstance(job, str):
            ids = {queue: [job] for queue in (yield from steps_of(self.monitor.queue_names))}
        else:
            same = (
                build_job(job, (list(args), kwargs), AS_DECLARED).identifier
                if args or kwargs
                else None
            )
            ids = yield from steps_of(self.monitor.ids_of_class, job.name, same)
        ended: list[str] = []
        passed = PassedQueues()
        for queue, some in ids.items():
            with passed:
                states = "queued delayed blocked"
                ended += yield from steps_of(self.control.remove, queue, some, states)
        if not (ended and isinstance(job, str)):
            passed.check()
        return ended

    adequeue = awaiting(dequeue)

    @blocking
    def cancel(
        self, id: str, queue: str | None = None, then: Sequence[Sequence[str | int | float]] = ()
    ) -> RedisSteps[str | None]:
        """End a job. Returns where it was: "queued", "blocked", "delayed" or "running"; None if no
        queue has it.

        The worker of a running job ends the run at its next heartbeat; until then Redis refuses
        all that the run sends. ``then``: commands for the same instant, see ``Transition.then``.
        """
        passed = PassedQueues()
        states = "queued delayed blocked running"
        for name in (yield from self.monitor.chosen([queue] if queue else None)):
            with passed:
                ended = yield from steps_of(self.control.remove, name, [id], states, then)
                if ended:
                    return ended[id]
        passed.check()
        return None

    acancel = awaiting(cancel)

    @blocking
    def _has_lost(self, job: Bearer) -> RedisSteps[bool]:
        """Returns whether a run of this process has lost its job; False for an object that was made
        by hand."""
        from .lost_run import has_lost

        try:
            known = facts(job)
        except AttributeError:
            return False
        return (yield from has_lost(known))

    _ahas_lost = awaiting(_has_lost)

    @blocking
    def reschedule(
        self,
        ids: str | Sequence[str],
        at: float | datetime | None = None,
        queue: str | None = None,
    ) -> RedisSteps[list[str]]:
        """Change when delayed jobs are due: ``at`` is in epoch seconds, or a ``datetime`` with a
        time zone; None makes them due now. Returns the ids of those that were delayed."""
        due = None if at is None else epoch_seconds(at, "reschedule")
        wanted = [ids] if isinstance(ids, str) else list(ids)
        moved: list[str] = []
        passed = PassedQueues()
        for name in (yield from self.monitor.chosen([queue] if queue else None)):
            with passed:
                moved += [*(yield from steps_of(self.control.reschedule, name, wanted, due))]
        if not {*wanted} <= {*moved}:
            passed.check()
        return moved

    areschedule = awaiting(reschedule)

    @blocking
    def retry(self, id: str, *, to: str | None = None) -> RedisSteps[RetryAnswer]:
        """Move a failed job to the tail of its queue, or of another one, as a first attempt; see
        ``Failures.retry``. The answer is "gone" if no such job has failed."""
        return (yield from steps_of(self.failures.retry, [id], to=to))[id]

    aretry = awaiting(retry)

    @blocking
    def run_now(self, id: str, queue: str | None = None) -> RedisSteps[RetryAnswer]:
        """Queue a job that is delayed or has failed. The answer is "queued" if the job is queued,
        "blocked" or "delayed" if a limit or a rate keeps it back, "gone" if it is unknown, runs or
        was blocked before; the others are those of ``retry``."""
        view = yield from steps_of(self.find, id, queue)
        if view is None or view.state in ("running", "blocked"):
            return RetryAnswer("gone")
        if view.state == "failed":
            return (yield from steps_of(self.failures.retry, [view]))[id]
        if view.state == "delayed":
            moved = yield from steps_of(self.control.reschedule, view.queue, [id], None)
            if not moved:  # it has moved on meanwhile
                return (yield from steps_of(self.run_now, id, view.queue))
            return RetryAnswer(moved[id])
        return RetryAnswer("queued")

    arun_now = awaiting(run_now)

    @blocking
    def edit(
        self,
        id: str,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        seen: "JobView | None" = None,
        keep_claims: bool = False,
    ) -> "RedisSteps[EditAnswer]":
        """Change the arguments of a job that is queued, blocked, delayed or failed.

        ``args``, ``kwargs``: the new ones; None leaves these as they are. If the class is loaded,
        ``perform`` must be able to take them. ``seen``: change the job only if it is still as in
        this view. ``keep_claims``: also change a job that has claims, which stay as they are.

        Returns "edited", "gone" (no queue has the job), "running", or "changed" (it is not as in
        ``seen``). Raises InvalidArguments, PayloadTooLarge, ConfigurationError, CorruptPayload, and
        what ``identify`` of the class raises.
        """
        from .edit import edited_payload

        answer: EditAnswer = "gone"
        for _ in range(EDIT_TRIES):
            view = (yield from steps_of(self.find, id)) if seen is None else seen
            if view is None or view.state == "running":
                return "gone" if view is None else "running"
            limit = self.settings.max_payload
            payload = edited_payload(view, args, kwargs, limit, keep_claims=keep_claims)
            answer = yield from steps_of(self.control.edit, view.queue, id, view.stored, payload)
            if seen is not None or answer == "edited":
                return answer
        return answer

    aedit = awaiting(edit)

    @blocking
    def move(self, source: str, target: str) -> "RedisSteps[Moved]":
        """Move all queued and delayed jobs of a queue, with their claims, to the tail of another.
        Returns how many were moved, and why others stay.

        Raises EnqueueError or another BrokerError if Redis refuses; then the jobs that are not yet
        moved are still in their queue, or return to it when their leases run out.
        """
        from .move import Move

        target = checked_queue(target)
        expect(source != target, "move(target)", "another queue than the source", target)
        return (yield from Move(self.control, self.monitor, source, target).run())

    amove = awaiting(move)

    @blocking
    def repair(self, queue: str, *, dry_run: bool = False) -> "RedisSteps[list[Fault]]":
        """Mend the jobs of a queue that are not in exactly one place, and claims without a job.
        Returns what was wrong. Workers may run meanwhile. ``dry_run``: change nothing.

        Raises WrongType, and changes nothing, if another program has written to a key of the queue.
        """
        from .repair import repair

        return repair(self.broker, queue, mend=not dry_run)

    arepair = awaiting(repair)

    @blocking
    def release(self, queue: str, claim: str) -> RedisSteps[str | None]:
        """Free a claim. Returns the id of the job that held it; None if no job did. That
        job continues."""
        return steps_of(self.control.release, queue, claim)

    arelease = awaiting(release)
