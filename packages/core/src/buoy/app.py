"""The app: its settings, its Redis, and the calls that enqueue jobs or look for them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from .broker.redis_access import RedisAccess
from .connection.client import RedisSteps
from .errors import QueueFull
from .jobs.building import build_job
from .jobs.enqueueing import (
    encoded_payload,
    final_handle,
    is_plain,
    plain_entries,
    queued_handle,
    raise_if_claim_held,
    restart_times,
    run_before_enqueue,
)
from .jobs.facts import facts
from .jobs.job import Job, facts_of
from .jobs.registry import check_findable, find_class
from .jobs.run import decide_outcome, perform
from .model.checks import expect
from .model.enqueue_answer import QUEUED, EnqueueAnswer
from .model.entry import Entry
from .model.handle import Handle
from .model.identity import new_id
from .model.names import checked_line, checked_queue
from .model.options import AS_DECLARED, Options, check_newer, epoch_seconds
from .model.payload import Payload, now
from .model.reservation import NO_WORKER, Reservation
from .model.signature import Arguments, check_arguments

if TYPE_CHECKING:
    from .operations.control import Control
    from .operations.monitor import Monitor
    from .operations.views import JobView

J = TypeVar("J", bound=Job)
T = TypeVar("T")


class App(RedisAccess):
    """A Redis, a namespace in it, and settings. Job classes name their app as ``app``.

    Settings that are not given as arguments are read from the environment (``BUOY_*``) at the first
    use: ``lease`` in seconds, ``max_payload`` in bytes.
    """

    @cached_property
    def control(self) -> "Control":
        """The acts of operators: end, move, pause."""
        from .operations.control import Control

        return Control(self.broker)

    @cached_property
    def monitor(self) -> "Monitor":
        """Read-only views of queues, jobs, failures and workers."""
        from .operations.monitor import Monitor

        return Monitor(self.broker)

    # Enqueueing

    def _enqueue(
        self, job: type[Job], rows: Iterable[Arguments], options: Options = AS_DECLARED
    ) -> list[Handle[Any]]:
        """Enqueue a job of this class for each row of arguments."""
        if options is AS_DECLARED and is_plain(job) and not self.is_inline:
            entries, handles = plain_entries(job, rows, self.settings.max_payload)
            self.broker.enqueue_new(job.queue, entries)
            return handles
        jobs = [build_job(job, arguments, options) for arguments in rows]
        return self.run_steps(self._enqueue_steps(jobs))

    async def _aenqueue(
        self, job: type[Job], rows: Iterable[Arguments], options: Options = AS_DECLARED
    ) -> list[Handle[Any]]:
        """Enqueue a job of this class for each row of arguments; awaits Redis."""
        jobs = [build_job(job, arguments, options) for arguments in rows]
        return await self.arun_steps(self._enqueue_steps(jobs))

    def build(self, job: type[J], *args: Any, **kwargs: Any) -> J:
        """Returns a job with these arguments that is not enqueued; raises InvalidArguments."""
        made: Any = self._build(job, (args, kwargs), AS_DECLARED)
        return made  # type: ignore[no-any-return]  # it is of that class

    def _build(self, job: type[Job], arguments: Arguments, options: Options) -> Job:
        return build_job(job, arguments, options)

    def perform(self, job: Job) -> Any:
        """Run a job in this process, with its plugins, and return what ``perform`` returns.

        Needs no Redis. Raises the error of the run.
        """
        known = facts(job)
        known.seen = job
        try:
            return perform(known)
        finally:
            known.seen = None

    def submit(self, job: Job) -> Handle[Any]:
        """Enqueue a job that a plugin has deferred or built. All hooks are called again; the times
        of the job count from now."""
        return self.submit_many([job])[0]

    def submit_many(self, jobs: Sequence[Job]) -> list[Handle[Any]]:
        """Enqueue jobs of one queue, as ``submit`` does: 1000 jobs in one round trip."""
        for job in jobs:
            restart_times(job)
        return self.run_steps(self._enqueue_steps(jobs))

    async def asubmit_many(self, jobs: Sequence[Job]) -> list[Handle[Any]]:
        """Enqueue jobs of one queue, as ``submit_many`` does; awaits Redis."""
        for job in jobs:
            restart_times(job)
        return await self.arun_steps(self._enqueue_steps(jobs))

    def _enqueue_steps(self, jobs: Sequence[Job]) -> RedisSteps[list[Handle[Any]]]:
        """Ask the hooks, and store the jobs that none of them rejects or defers."""
        verdicts = [run_before_enqueue(job) for job in jobs]
        passed = [job for job, verdict in zip(jobs, verdicts, strict=True) if verdict is None]
        answers = iter((yield from self._store_steps(passed)))
        handles = [
            final_handle(queued_handle(job), next(answers) if verdict is None else verdict)
            for job, verdict in zip(jobs, verdicts, strict=True)
        ]
        raise_if_claim_held(jobs, handles)
        return handles

    def _store_steps(self, jobs: Sequence[Job]) -> RedisSteps[list[EnqueueAnswer]]:
        """Store jobs of one queue, or run them if the app is inline. Raises QueueFull."""
        if not jobs or self.is_inline:
            return list(self._run_inline(jobs))
        for job in jobs:
            if type(job)._findable is not type(job):
                check_findable(type(job))
        queue, limit = facts(jobs[0]).queue, type(jobs[0]).max_length
        entries = [self._entry(job) for job in jobs]
        answers = yield from self.broker.enqueue_steps(queue, entries, limit)
        full = [answer for answer in answers if answer.kind == "full"]
        if full and limit is not None:
            raise QueueFull(queue, full[0].length, limit, len(jobs) - len(full), len(jobs))
        return answers

    def _entry(self, job: Job) -> Entry:
        known = facts(job)
        transition = None if known.transition.is_empty else known.transition
        payload = encoded_payload(job, self.settings.max_payload)
        return Entry(known.id, payload, known.due, transition)

    def push(
        self,
        name: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        queue: str,
        id: str | None = None,
        newer: tuple[str, int] | None = None,
    ) -> Handle[Any]:
        """Enqueue a job by the name of its class, which need not be loaded: no hook is called.

        ``id`` and ``newer`` are those of ``Job.using``. Raises InvalidArguments or
        ConfigurationError for arguments that are not valid.
        """
        expect(isinstance(args, list | tuple), "push(args)", "a list", args)
        expect(isinstance(kwargs, Mapping | None), "push(kwargs)", "a dict", kwargs)
        args, kwargs = list(args), dict(kwargs or {})
        name = checked_line(name, "push(name)")
        check_arguments(name, args, kwargs)
        id = new_id() if id is None else checked_line(id, "push(id)")
        payload = Payload(name, args, kwargs, id, enqueued_at=now())
        kind = find_class(name) if self.is_inline else Job
        job: Job = facts_of(kind, payload, checked_queue(queue)).new()
        if newer is not None:
            check_newer(newer, "push(newer)")
            facts(job).transition.newer(*newer)
        [answer] = self.run_steps(self._store_steps([job]))
        return final_handle(queued_handle(job), answer)

    # Inline

    _inline = False

    @property
    def is_inline(self) -> bool:
        """Whether ``enqueue`` runs the job at once, in this process."""
        return self._inline or self.settings.inline

    @contextmanager
    def inline(self) -> Iterator[None]:
        """Within the block ``enqueue`` runs the job at once, in this process: without Redis and
        without a worker. ``enqueue`` raises the error of the run."""
        before, self._inline = self._inline, True
        try:
            yield
        finally:
            self._inline = before

    def _run_inline(self, jobs: Iterable[Job]) -> Iterator[EnqueueAnswer]:
        for job in jobs:
            known = facts(job)
            payload = encoded_payload(job, self.settings.max_payload).decode()
            reservation = Reservation(known.id, NO_WORKER, known.queue, payload)
            copy = facts_of(known.kind, Payload.decoded(payload), known.queue, NO_WORKER)
            try:
                perform(copy)
            except Exception as error:
                decide_outcome(reservation, copy, error)
                raise
            finally:
                copy.seen = None
            yield QUEUED

    # Looking for jobs, and taking them out

    def find(self, id: str, queue: str | None = None) -> "JobView | None":
        """Returns the job and where it is; None if no queue has it. Without ``queue`` it searches
        all queues."""
        return self.monitor.find(id, queue)

    def dequeue(self, job: type[Job] | str, *args: Any, **kwargs: Any) -> list[str]:
        """End queued and delayed jobs: the one with this id, or those of a class; with arguments,
        only those with these arguments. Returns the ids of the jobs that it has ended. Running
        jobs continue."""
        if isinstance(job, str):
            ids = {queue: [job] for queue in self.monitor.queue_names()}
        else:
            same = (
                build_job(job, (list(args), kwargs), AS_DECLARED).identifier
                if args or kwargs
                else None
            )
            ids = self.monitor.ids_of_class(job.name, same)
        ended = [self.control.remove(queue, some, "queued delayed") for queue, some in ids.items()]
        return [id for some in ended for id in some]

    def cancel(
        self, id: str, queue: str | None = None, then: Sequence[Sequence[str | int | float]] = ()
    ) -> str | None:
        """End a job. Returns where it was: "queued", "delayed" or "running"; None if no queue has
        it.

        The worker of a running job ends the run at its next heartbeat; until then Redis refuses
        all that the run sends. ``then``: commands for the same instant, see ``Transition.then``.
        """
        for name in [queue] if queue else self.monitor.queue_names():
            ended = self.control.remove(name, [id], "queued delayed running", then)
            if ended:
                return ended[id]
        return None

    def reschedule(
        self,
        ids: str | Sequence[str],
        at: float | datetime | None = None,
        queue: str | None = None,
    ) -> list[str]:
        """Change when delayed jobs are due: ``at`` is in epoch seconds, or a ``datetime`` with a
        time zone; None makes them due now. Returns the ids of those that were delayed."""
        due = None if at is None else epoch_seconds(at, "reschedule")
        wanted = [ids] if isinstance(ids, str) else list(ids)
        queues = [queue] if queue else self.monitor.queue_names()
        return [id for name in queues for id in self.control.reschedule(name, wanted, due)]

    def release(self, queue: str, claim: str) -> str | None:
        """Free a claim. Returns the id of the job that held it; None if no job did. That
        job continues."""
        return self.control.release(queue, claim)


Job.app = App()
