"""The app: settings, one broker, and the way of every job into its queue."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from .broker.keys import Keys
from .broker.scripts import script_steps
from .connection.client import RawArg, RedisSteps, run_steps, send_commands, single_reply
from .errors import QueueFull
from .jobs.enqueueing import (
    asked_to_enter,
    fitting,
    handle,
    handle_of,
    insist,
    is_plain,
    plain_entries,
)
from .jobs.facts import facts
from .jobs.job import Job, built, facts_of
from .jobs.registry import check_findable, named
from .jobs.run import decided, perform
from .model.checks import expect
from .model.entry import Entry
from .model.handle import Handle
from .model.identity import new_id
from .model.names import checked_line, checked_queue
from .model.options import AS_DECLARED, Options, check_newer, epoch_seconds
from .model.payload import Payload, now
from .model.reservation import Reservation
from .model.signature import Arguments, check_arguments
from .settings import HasSettings, Settings, settings

if TYPE_CHECKING:
    from .broker.broker import Broker
    from .connection.async_client import AsyncClient
    from .operations.control import Control
    from .operations.monitor import Monitor
    from .operations.views import JobView

J = TypeVar("J", bound=Job)
T = TypeVar("T")


class App(HasSettings):
    """A Redis, a namespace and settings: what job classes belong to by their ``app`` attribute.

    What is not given as an argument is read from ``BUOY_*`` at first use.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        namespace: str | None = None,
        lease: float | None = None,
        max_crashes: int | None = None,
        max_payload: int | None = None,
        inline: bool | None = None,
    ) -> None:
        self.given: dict[str, Any] = {
            "url": url,
            "namespace": namespace,
            "lease": lease,
            "inline": inline,
        }
        self.given |= {"max_crashes": max_crashes, "max_payload": max_payload}

    @cached_property
    def settings(self) -> Settings:
        """The settings in force."""
        return settings(**self.given)

    @cached_property
    def keys(self) -> Keys:
        """The keys of its namespace."""
        return Keys(self.settings.namespace)

    @cached_property
    def broker(self) -> "Broker":
        """What changes jobs in Redis. The Redis client is loaded here, for those who need it."""
        from .broker.broker import Broker

        return Broker(self.settings)

    @cached_property
    def async_client(self) -> "AsyncClient":
        """The way to Redis for what awaits."""
        from .connection.async_client import aconnect

        return aconnect(self.settings.url, self.broker.client)

    async def aclose(self) -> None:
        """Close the connections that ``aenqueue`` keeps for the running event loop."""
        await self.async_client.close()

    @cached_property
    def control(self) -> "Control":
        """What operators do with jobs."""
        from .operations.control import Control

        return Control(self.broker)

    @cached_property
    def monitor(self) -> "Monitor":
        """Read-only views of queues, jobs, failures and workers."""
        from .operations.monitor import Monitor

        return Monitor(self.broker)

    def key(self, queue: str, *parts: str) -> str:
        """A plugin's key in the slot of a queue; the first part is the plugin's name."""
        return self.keys.part(queue, *parts)

    def global_key(self, *parts: str) -> str:
        """A plugin's key that belongs to no queue; the first part is the plugin's name."""
        return ":".join([self.settings.namespace, *parts])

    def command(self, *words: RawArg) -> Any:
        """Send a Redis command and return its reply (texts as bytes): for what plugins read, and
        for what may be written beside a job's transitions."""
        return self.broker.client.call(*words)

    async def acommand(self, *words: RawArg) -> Any:
        """The same, awaiting Redis."""
        return single_reply(await self.arun_steps(send_commands([words])))

    def script(self, package: str, name: str, keys: Sequence[str], args: Sequence[RawArg]) -> Any:
        """Run ``lua/NAME.lua`` of a plugin's package and return its reply."""
        from .broker.scripts import script

        return single_reply(self.run_steps(script_steps([(script(package, name), keys, args)])))

    async def ascript(
        self, package: str, name: str, keys: Sequence[str], args: Sequence[RawArg]
    ) -> Any:
        """The same, awaiting Redis."""
        from .broker.scripts import script

        return single_reply(
            await self.arun_steps(script_steps([(script(package, name), keys, args)]))
        )

    def run_steps(self, steps: RedisSteps[T]) -> T:
        """Have a conversation with Redis, waiting for each of its steps; see client.py."""
        return run_steps(steps, lambda: self.broker.client)

    async def arun_steps(self, steps: RedisSteps[T]) -> T:
        """The same, awaiting each."""
        from .connection.async_client import arun_steps

        return await arun_steps(steps, lambda: self.async_client)

    # Into the queue

    def place(
        self, job: type[Job], rows: Iterable[Arguments], options: Options = AS_DECLARED
    ) -> list[Handle[Any]]:
        """Enqueue a job of this class for each row of arguments."""
        if options is AS_DECLARED and is_plain(job) and not self.is_inline:
            entries, handles = plain_entries(job, rows, self.settings.max_payload)
            self.broker.enqueue_new(job.queue, entries)
            return handles
        return self.enter([built(job, arguments, options) for arguments in rows])

    async def aplace(
        self, job: type[Job], rows: Iterable[Arguments], options: Options = AS_DECLARED
    ) -> list[Handle[Any]]:
        """The same, awaiting Redis."""
        return await self.aenter([built(job, arguments, options) for arguments in rows])

    def build(self, job: type[J], *args: Any, **kwargs: Any) -> J:
        """A job with these arguments, checked, which nobody has enqueued; for ``perform``."""
        made: Any = built(job, (list(args), kwargs), Options())
        return made  # type: ignore[no-any-return]  # it is of that class

    def perform(self, job: Job) -> Any:
        """Run a job here and now, in its plugins' wrappers: it needs no Redis, and its errors are
        raised."""
        known = facts(job)
        known.seen = job
        try:
            return perform(known)
        finally:
            known.seen = None

    def submit(self, job: Job) -> Handle[Any]:
        """Enqueue a job that a plugin had held; all hooks are asked again."""
        return self.enter([job])[0]

    async def asubmit(self, job: Job) -> Handle[Any]:
        """The same, awaiting Redis."""
        return (await self.aenter([job]))[0]

    def enter(self, jobs: Sequence[Job]) -> list[Handle[Any]]:
        """Ask the hooks, and let those jobs in that none of them keeps out."""
        return self.run_steps(self.entering(jobs))

    async def aenter(self, jobs: Sequence[Job]) -> list[Handle[Any]]:
        """The same, awaiting Redis."""
        return await self.arun_steps(self.entering(jobs))

    def entering(self, jobs: Sequence[Job]) -> RedisSteps[list[Handle[Any]]]:
        verdicts = [asked_to_enter(job) for job in jobs]
        passed = [job for job, verdict in zip(jobs, verdicts, strict=True) if verdict is None]
        answers = iter((yield from self.let_in(passed)))
        handles = [
            handle(handle_of(job), next(answers) if verdict is None else verdict)
            for job, verdict in zip(jobs, verdicts, strict=True)
        ]
        insist(jobs, handles)
        return handles

    def let_in(self, jobs: Sequence[Job]) -> RedisSteps[list[str]]:
        if not jobs or self.is_inline:
            return list(self.run_here(jobs))
        for job in jobs:
            if type(job)._findable is not type(job):
                check_findable(type(job))
        queue, limit = facts(jobs[0]).queue, type(jobs[0]).max_length
        entries = [self.entry(job) for job in jobs]
        answers = yield from self.broker.enqueue_steps(queue, entries, limit)
        full = [answer for answer in answers if answer.startswith("full ")]
        if full and limit is not None:
            raise QueueFull(queue, int(full[0][5:]), limit, len(jobs) - len(full), len(jobs))
        return answers

    def entry(self, job: Job) -> Entry:
        known = facts(job)
        transition = None if known.transition.is_empty else known.transition
        return Entry(known.id, self.encoded(job), known.due, transition)

    def encoded(self, job: Job) -> bytes:
        payload = facts(job).payload
        payload.claims = facts(job).transition.claims
        return fitting(payload.name, payload.encoded(), self.settings.max_payload)

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
        """Enqueue by name: the class may be unknown here, so no hook is asked."""
        expect(isinstance(args, list | tuple), "push(args)", "a list", args)
        expect(isinstance(kwargs, Mapping | None), "push(kwargs)", "a dict", kwargs)
        args, kwargs = list(args), dict(kwargs or {})
        name = checked_line(name, "push(name)")
        check_arguments(name, args, kwargs)
        id = new_id() if id is None else checked_line(id, "push(id)")
        payload = Payload(name, args, kwargs, id, enqueued_at=now())
        job = (named(name) if self.is_inline else Job).of(payload, checked_queue(queue))
        if newer is not None:
            check_newer(newer, "push(newer)")
            facts(job).transition.newer(*newer)
        [answer] = self.run_steps(self.let_in([job]))
        return handle(handle_of(job), answer)

    # Inline

    inlined = False

    @property
    def is_inline(self) -> bool:
        """Whether enqueueing runs the job at once, in the caller."""
        return self.inlined or self.settings.inline

    @contextmanager
    def inline(self) -> Iterator[None]:
        """Run jobs at once where they are enqueued: no Redis, no worker, errors are raised."""
        before, self.inlined = self.inlined, True
        try:
            yield
        finally:
            self.inlined = before

    def run_here(self, jobs: Iterable[Job]) -> Iterator[str]:
        for job in jobs:
            known = facts(job)
            held = Reservation(known.id, "0:inline:0", known.queue, self.encoded(job).decode())
            copy = facts_of(known.kind, Payload.decoded(held.payload), held.queue, held.token)
            try:
                perform(copy)
            except Exception as error:
                decided(held, copy, error)
                raise
            finally:
                copy.seen = None
            yield "queued"

    # Looking for jobs, and taking them out

    def find(self, id: str, queue: str | None = None) -> "JobView | None":
        """Where a job is; without its queue all known queues are asked."""
        return self.monitor.find(id, queue)

    def dequeue(self, job: type[Job] | str, *args: Any, **kwargs: Any) -> list[str]:
        """End waiting and delayed jobs: one by its id, or those of a class, with these arguments
        if any are given. Returns the ids of those that were ended; running ones are let be."""
        if isinstance(job, str):
            ids = {queue: [job] for queue in self.monitor.queue_names()}
        else:
            same = (
                built(job, (list(args), kwargs), Options()).identifier if args or kwargs else None
            )
            ids = self.monitor.ids_of(job.name, same)
        ended = [self.control.remove(queue, some, "queued delayed") for queue, some in ids.items()]
        return [id for some in ended for id in some]

    def cancel(
        self, id: str, queue: str | None = None, then: Sequence[Sequence[str | int | float]] = ()
    ) -> str | None:
        """End a job wherever it is: "queued", "delayed" or "running", as is returned; None if it
        is nowhere. The worker of one that runs ends it with its next heartbeat; what the job would
        still say is refused. ``then``: commands of the same instant, as in a transition."""
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
        """Make delayed jobs due at another time (epoch seconds, or a datetime with its zone), or
        now. Returns the ids of those that were delayed."""
        due = None if at is None else epoch_seconds(at, "reschedule")
        wanted = [ids] if isinstance(ids, str) else list(ids)
        queues = [queue] if queue else self.monitor.queue_names()
        return [id for name in queues for id in self.control.reschedule(name, wanted, due)]

    def release(self, queue: str, claim: str) -> str | None:
        """Free a claim, whoever holds it; returns the id of that job, which stays what it is."""
        return self.control.release(queue, claim)


Job.app = App()
