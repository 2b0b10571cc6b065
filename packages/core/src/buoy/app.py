"""The app: its settings, its Redis, and the calls that enqueue jobs or look for them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar, Unpack
from weakref import WeakValueDictionary

from .connection.client import RedisSteps, run_steps
from .connection.twins import awaiting, blocking, steps_of
from .jobs.after_success import add_child, collecting, take_children
from .jobs.app_wide import app_wide_plugins, listed_plugins
from .jobs.building import build_job, build_named
from .jobs.enqueueing import (
    Answer,
    encoded_payload,
    final_handle,
    freeze,
    is_plain,
    plain_entries,
    queued_handle,
    raise_if_claim_held,
    raise_if_full,
    restart_times,
    run_before_enqueue,
    sees_enqueueing,
    tell_enqueued,
)
from .jobs.facts import Facts, facts
from .jobs.job import Job, facts_of
from .jobs.plugin import Plugin
from .jobs.registry import check_findable, find_class
from .jobs.relay import relay
from .jobs.run import perform, run_inline
from .model.checks import expect
from .model.enqueue_answer import QUEUED, EnqueueAnswer
from .model.entry import Entry
from .model.handle import Handle
from .model.names import checked_line, checked_queue
from .model.options import AS_DECLARED, Options, PushOptions, options
from .model.outcome import Deferred, Rejected
from .model.payload import Payload
from .model.reservation import NO_WORKER, Reservation
from .model.signature import Arguments
from .operations.job_access import JobAccess

J = TypeVar("J", bound=Job)
T = TypeVar("T")


class App(JobAccess):
    """A Redis, a namespace in it, and settings. Job classes name their app as ``app``.

    Settings that are not given as arguments are read from the environment (``BUOY_*``) at the first
    use: ``lease`` in seconds, ``max_payload`` in bytes. ``plugins`` are those of all its job
    classes, in front of those of a class.
    """

    def _checked_plugins(self, plugins: Iterable[Any]) -> tuple[Plugin, ...]:
        return listed_plugins(plugins)

    @cached_property
    def plugins(self) -> tuple[Plugin, ...]:
        """The app-wide plugins: those of the setting ``plugins``, then those that it was made with.

        Raises ConfigurationError or PluginError if one of the setting cannot be used.
        """
        return app_wide_plugins(self._listed_plugins, self.settings.plugins)

    @cached_property
    def _hooks(self) -> Any:
        """The caller of the hooks of its plugins; None if it has none."""
        return relay(self.plugins)

    @cached_property
    def _sees_enqueueing(self) -> bool:
        """Whether a plugin of all classes has a part in every enqueueing."""
        return sees_enqueueing(self._hooks)

    # Enqueueing

    @blocking
    def _enqueue(
        self, job: type[Job], rows: Iterable[Arguments], options: Options = AS_DECLARED
    ) -> RedisSteps[list[Handle[Any]]]:
        """Enqueue a job of this class for each row of arguments."""
        plain = options is AS_DECLARED and is_plain(job) and not self.is_inline
        if plain and not self._sees_enqueueing and collecting.get() is None:
            entries, handles = plain_entries(job, rows, self.settings.max_payload)
            yield from steps_of(self.broker.enqueue_new, job.queue, entries)
            return handles
        jobs = [build_job(job, arguments, options) for arguments in rows]
        return (yield from self._enqueue_steps(jobs))

    _aenqueue = awaiting(_enqueue)

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
        known.seen, known.children = job, []
        try:
            result = perform(known)
            run_steps(self._store_children(known), lambda: self.broker.client)
            return result
        finally:
            known.seen, known.children = None, ()

    @blocking
    def submit(self, job: Job) -> RedisSteps[Handle[Any]]:
        """Enqueue a job that a plugin has deferred or built. All hooks are called again; the times
        of the job count from now."""
        return (yield from steps_of(self.submit_many, [job]))[0]

    asubmit = awaiting(submit)

    @blocking
    def submit_many(self, jobs: Sequence[Job]) -> RedisSteps[list[Handle[Any]]]:
        """Enqueue jobs of one queue, as ``submit`` does: 1000 jobs in one round trip."""
        for job in jobs:
            restart_times(job)
        return self._enqueue_steps(jobs)

    asubmit_many = awaiting(submit_many)

    def _enqueue_steps(
        self, jobs: Sequence[Job], *, by_name: bool = False
    ) -> RedisSteps[list[Handle[Any]]]:
        """Ask the hooks, and store the jobs that none of them rejects or defers. For jobs that are
        given by the names of their classes, these are the hooks of app-wide plugins."""
        if (run := collecting.get()) is not None:
            for job in jobs:
                facts(job).parent = run
        hooks = [self._hooks_of(job, by_name) for job in jobs]
        verdicts = list(map(run_before_enqueue, jobs, hooks))
        self._note_deferred(jobs, verdicts)
        passed = [job for job, verdict in zip(jobs, verdicts, strict=True) if verdict is None]
        answers = yield from self._keep_or_store(passed)
        stored = iter(answers)
        answered = [next(stored) if verdict is None else verdict for verdict in verdicts]
        handles = [
            final_handle(queued_handle(job), answer)
            for job, answer in zip(jobs, answered, strict=True)
        ]
        tell_enqueued(jobs, hooks, answered, handles)
        raise_if_full(jobs, answers)
        raise_if_claim_held(jobs, handles)
        return handles

    @cached_property
    def _deferred(self) -> WeakValueDictionary[str, Job]:
        """The jobs that plugins will enqueue later, by id; of a job that is dropped, nothing
        remains."""
        return WeakValueDictionary()

    def deferred_jobs(self) -> list[Job]:
        """Returns the jobs that plugins of this process have deferred, and not enqueued yet."""
        return list(self._deferred.values())

    def _note_deferred(
        self, jobs: Sequence[Job], verdicts: Sequence[Rejected | Deferred | None]
    ) -> None:
        for job, verdict in zip(jobs, verdicts, strict=True):
            known = facts(job)
            if isinstance(verdict, Deferred):
                known.deferred = verdict.reason
                self._deferred[known.id] = job
            elif known.deferred:
                self._deferred.pop(known.id, None)

    def _hooks_of(self, job: Job, by_name: bool) -> Any:
        """Returns the caller of the hooks about the enqueueing of a job; None if it has none."""
        known = facts(job)
        return self._hooks if by_name or known.kind is Job else known.hooks()

    def _keep_or_store(self, jobs: Sequence[Job]) -> RedisSteps[list[Answer]]:
        """Store jobs of one queue, but keep those with their run that are enqueued if it ends
        well."""
        runs = [facts(job).parent for job in jobs]
        if not any(runs):
            return [*(yield from self._store_steps(jobs))]
        answers: list[Answer] = []
        for job, run in zip(jobs, runs, strict=True):
            if run is None:
                answers += yield from self._store_steps([job])
            else:
                freeze(job)
                answers.append(add_child(run, job))
        return answers

    def _store_children(self, run: Facts) -> RedisSteps[None]:
        """Store the jobs that wait for the good end of a run that no worker settles."""
        for child in take_children(run, well=True):
            answers = yield from self._store_steps([child])
            raise_if_full([child], answers)

    def _store_steps(self, jobs: Sequence[Job]) -> RedisSteps[list[EnqueueAnswer]]:
        """Store jobs of one queue, or run them if the app is inline."""
        if not jobs or self.is_inline:
            return list(self._run_inline(jobs))
        queue, limit = facts(jobs[0]).queue, facts(jobs[0]).max_length
        entries = [self._entry(job) for job in jobs]
        return (yield from self.broker.enqueue_steps(queue, entries, limit))

    def _entry(self, job: Job) -> Entry:
        known = facts(job)
        if type(job)._findable is not type(job) and not self.is_inline:
            check_findable(type(job))
        transition = None if known.transition.is_empty else known.transition
        payload = encoded_payload(job, self.settings.max_payload)
        return Entry(known.id, payload, known.payload.name, known.due, transition)

    @blocking
    def push(
        self,
        name: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        queue: str,
        **given: Unpack[PushOptions],
    ) -> RedisSteps[Handle[Any]]:
        """Enqueue a job by the name of its class, which need not be loaded: only the hooks of
        app-wide plugins are called, and what the class declares for its enqueueing (``priority``,
        ``tags``, ``expires``, ``max_length``) has no effect.

        The options are those of ``Job.using``. Raises InvalidArguments or ConfigurationError for
        arguments that are not valid.
        """
        expect(isinstance(args, list | tuple), "push(args)", "a list", args)
        expect(isinstance(kwargs, Mapping | None), "push(kwargs)", "a dict", kwargs)
        name = checked_line(name, "push(name)")
        chosen = options(checked_queue(queue), subject="push", **given)
        kind = find_class(name) if self.is_inline else Job
        job = build_named(name, args, kwargs, chosen, kind)
        [handle] = yield from self._enqueue_steps([job], by_name=True)
        return handle

    apush = awaiting(push)

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
                run_inline(reservation, copy)
                children = take_children(copy, well=True)
            finally:
                copy.seen, copy.children = None, ()
            list(self._run_inline(children))
            yield QUEUED


Job.app = App()
