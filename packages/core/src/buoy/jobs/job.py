"""Job classes: what is declared on them, how they are enqueued, what a run of them knows."""

from collections.abc import Coroutine, Iterable
from datetime import datetime, timedelta
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, ClassVar, Generic, ParamSpec, Protocol, TypeVar, overload

from ..errors import ConfigurationError, InvalidArguments
from ..model.checks import expect
from ..model.handle import Handle
from ..model.identity import identifier, new_id
from ..model.names import checked_line, checked_queue
from ..model.options import AS_DECLARED, Options, options
from ..model.payload import Payload, now
from ..model.signature import Arguments, NormalizedArguments, Signature, signature_of
from ..model.strict_json import is_utf8
from ..model.transition import Transition
from .declaration import (
    app_of,
    check_bases,
    check_identify,
    check_limits,
    check_names,
    check_own_app,
    check_perform,
    hindrance,
)
from .facts import API, Bearer, Facts, fact, facts
from .origin import execution, full_name, is_of_session
from .plugin import Plugin, listed, merged, relay
from .registry import register

if TYPE_CHECKING:
    from ..app import App

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Rows = Iterable[tuple[Any, ...]]
Async = Coroutine[Any, Any, R]


class Performs(Protocol[P, R_co]):
    """Any job class, seen as its ``perform``."""

    def perform(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


class Job(Bearer):
    """Declared work: a subclass with ``perform`` is a job class, an instance is one run of it."""

    app: ClassVar["App"]
    name: ClassVar[str]
    queue: str = "default"
    plugins: ClassVar[Iterable[Plugin]] = ()
    max_length: ClassVar[int | None] = None
    """Refuse to enqueue when so many jobs wait in the queue or are delayed there."""
    timeout: ClassVar[float | None] = None
    """Seconds that a run may take."""
    max_memory: ClassVar[int | None] = None
    """Bytes that the process of a run may hold."""
    expires: ClassVar[float | None] = None
    """Seconds after being due within which the first run must start."""

    # Read from the declaration, once a class: its plugins, those of its bases merged in; what its
    # perform takes, and whether it is a coroutine; whether it makes its identifiers itself; whether
    # a job of it can be made, and found by its name; in which execution of its module it was made.
    declared: ClassVar[tuple[Plugin, ...]] = ()
    _relay: ClassVar[Any] = None
    accepts: ClassVar[Signature]
    awaits: ClassVar[bool] = False
    identifies: ClassVar[bool] = False
    _usable: ClassVar[Any] = None
    _findable: ClassVar[Any] = None
    _made_in: ClassVar[Any] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_bases(cls)
        check_names(cls, Job)
        if "name" not in vars(cls):
            cls.name = full_name(cls)
        cls.name = checked_line(cls.name, f"{cls.__qualname__}.name")
        if type(cls.queue) is not str or "queue" in vars(cls):
            cls.queue = checked_queue(cls.queue)
        check_limits(cls)
        check_own_app(cls)
        if "plugins" in vars(cls):
            cls.plugins = listed(cls.plugins, cls.__qualname__)
        bases = reversed(cls.__mro__)
        cls.declared = merged((base.__qualname__, vars(base).get("plugins", ())) for base in bases)
        cls._relay = None
        cls._made_in = execution(cls)
        cls._findable = None if is_of_session(cls) else cls
        cls.identifies = (
            getattr(cls.identify, "__func__", None) is not vars(Job)["identify"].__func__
        )
        check_identify(cls)
        if hasattr(cls, "perform"):
            check_perform(cls)
            cls.accepts = signature_of(cls)
            cls.awaits = iscoroutinefunction(cls.perform)
            register(cls)
        cls._usable = None if hindrance(cls) else cls

    # Enqueueing

    @overload
    @classmethod
    def enqueue(
        cls: type[Performs[P, Async[R]]], *args: P.args, **kwargs: P.kwargs
    ) -> Handle[R]: ...
    @overload
    @classmethod
    def enqueue(cls: type[Performs[P, R]], *args: P.args, **kwargs: P.kwargs) -> Handle[R]: ...
    @classmethod
    def enqueue(cls, *args: Any, **kwargs: Any) -> Handle[Any]:
        """Put a job with these arguments on its queue."""
        return app_of(cls).place(cls, [(args, kwargs)])[0]

    @overload
    @classmethod
    async def aenqueue(
        cls: type[Performs[P, Async[R]]], *args: P.args, **kwargs: P.kwargs
    ) -> Handle[R]: ...
    @overload
    @classmethod
    async def aenqueue(
        cls: type[Performs[P, R]], *args: P.args, **kwargs: P.kwargs
    ) -> Handle[R]: ...
    @classmethod
    async def aenqueue(cls, *args: Any, **kwargs: Any) -> Handle[Any]:
        """The same as enqueue, for programs that await: Redis is awaited, too."""
        return (await app_of(cls).aplace(cls, [(args, kwargs)]))[0]

    @overload
    @classmethod
    def enqueue_many(cls: type[Performs[..., Async[R]]], rows: Rows) -> list[Handle[R]]: ...
    @overload
    @classmethod
    def enqueue_many(cls: type[Performs[..., R]], rows: Rows) -> list[Handle[R]]: ...
    @classmethod
    def enqueue_many(cls: Any, rows: Rows) -> list[Handle[Any]]:
        """Enqueue a job for each row of positional arguments, a thousand in a round trip."""
        return enqueue_rows(cls, rows, AS_DECLARED)

    @overload
    @classmethod
    def using(
        cls: type[Performs[P, Async[R]]],
        *,
        queue: str | None = None,
        delay: float | timedelta | None = None,
        at: float | datetime | None = None,
        id: str | None = None,
        newer: tuple[str, int] | None = None,
    ) -> "Call[P, R]": ...
    @overload
    @classmethod
    def using(
        cls: type[Performs[P, R]],
        *,
        queue: str | None = None,
        delay: float | timedelta | None = None,
        at: float | datetime | None = None,
        id: str | None = None,
        newer: tuple[str, int] | None = None,
    ) -> "Call[P, R]": ...
    @classmethod
    def using(
        cls,
        *,
        queue: str | None = None,
        delay: float | timedelta | None = None,
        at: float | datetime | None = None,
        id: str | None = None,
        newer: tuple[str, int] | None = None,
    ) -> "Call[Any, Any]":
        """Vary one enqueueing: another queue, a delay in seconds or a time, an id of your own; with
        ``newer=(field, number)`` it is refused unless the queue's number of that name is lower."""
        return Call(cls, options(queue, delay, at, id, newer))

    @classmethod
    def identify(cls, *args: Any, **kwargs: Any) -> str:
        """What makes two jobs the same; by default the class and all arguments."""
        return identifier(cls.name, args, kwargs)

    # A run

    @fact
    def id(self) -> str:
        """The name of this enqueueing; the same in all attempts."""
        return facts(self).id

    @fact
    def identifier(self) -> str:
        """The same for the same class and arguments; see ``identify``."""
        return facts(self).identifier

    @fact
    def attempt(self) -> int:
        """Which run of the job this is, from 1."""
        return facts(self).attempt

    @fact
    def token(self) -> str:
        """The name of this run; empty for what is being enqueued."""
        return facts(self).token

    @fact
    def carried(self) -> dict[str, dict[str, Any]]:
        """What plugins keep with the job from attempt to attempt, by the name of the plugin."""
        return facts(self).carried

    @fact
    def payload(self) -> Payload:
        """What is stored of the job."""
        return facts(self).payload

    @fact
    def transition(self) -> Transition:
        """What is attached to the next change of its state."""
        return facts(self).transition

    @fact
    def due(self) -> str:
        """When it is to run; see Options."""
        return facts(self).due

    @fact
    def newer(self) -> tuple[str, int] | None:
        """What it was given by ``using(newer=...)``."""
        return facts(self).newer

    @fact
    def claim(self) -> str | None:
        """The claim that it enters with, beside those of its plugins."""
        return facts(self).claim

    @classmethod
    def of(cls, payload: Payload, queue: str, token: str = "") -> "Job":
        """The run of a payload."""
        made: Job = facts_of(cls, payload, queue, token).new()
        return made

    @classmethod
    def hooks(cls) -> Any:
        """The caller of this class's hooks; None when it has no plugins."""
        if cls.declared and cls._relay is None:
            cls._relay = relay(cls.declared)
        return cls._relay

    def __repr__(self) -> str:
        try:
            return str(facts(self))
        except AttributeError:  # made by hand
            return object.__repr__(self)


Job._findable = Job  # what is pushed by its name alone, is of no class that is known here
API.update({name for name in (*vars(Job), *Job.__annotations__) if name[:2] != "__"})


def facts_of(job: type[Any], payload: Payload, queue: str, token: str = "") -> Facts:
    """The facts of a job of this class; raises ConfigurationError if there can be none."""
    if job._usable is not job and job is not Job:
        check_usable(job)
    return Facts(job, payload, queue, token)


def check_usable(job: type[Job]) -> None:
    """Raise ConfigurationError if no job of the class can be made; a method may be there since."""
    reason = hindrance(job)
    if reason is not None:
        raise ConfigurationError(f"{job.__qualname__}: {reason}")
    job._usable = job


class Call(Generic[P, R]):
    """A job class with options, ready to be enqueued."""

    def __init__(self, job: type[Job], options: Options) -> None:
        self.job, self.options = job, options

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Handle[R]:
        """Put a job with these arguments on its queue."""
        return app_of(self.job).place(self.job, [(args, kwargs)], self.options)[0]

    async def aenqueue(self, *args: P.args, **kwargs: P.kwargs) -> Handle[R]:
        """The same, for programs that await."""
        return (await app_of(self.job).aplace(self.job, [(args, kwargs)], self.options))[0]

    def enqueue_many(self, rows: Rows) -> list[Handle[R]]:
        """Enqueue a job for each row of positional arguments, a thousand in a round trip."""
        expect(self.options.id is None, "using(id)", "no id with enqueue_many", self.options.id)
        return enqueue_rows(self.job, rows, self.options)


def enqueue_rows(job: type[Job], rows: Rows, options: Options) -> list[Handle[Any]]:
    rows = list(rows)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, tuple | list):
            raise InvalidArguments(
                f"{job.name}: row {number}: expected a tuple of positional arguments, "
                f"got {row!r:.80}"
            )
    return app_of(job).place(job, [(row, {}) for row in rows], options)


@overload
def enqueue(
    job: type[Performs[P, Async[R]]], /, *args: P.args, **kwargs: P.kwargs
) -> Handle[R]: ...
@overload
def enqueue(job: type[Performs[P, R]], /, *args: P.args, **kwargs: P.kwargs) -> Handle[R]: ...
def enqueue(job: Any, /, *args: Any, **kwargs: Any) -> Handle[Any]:
    """Put a job with these arguments on its queue."""
    handles: list[Handle[Any]] = app_of(job).place(job, [(args, kwargs)])
    return handles[0]


def spelled(job: type[Job], arguments: Arguments) -> NormalizedArguments:
    """The arguments as they are kept; raises InvalidArguments."""
    if job._usable is not job:
        check_usable(job)
    return job.accepts.normalize(job.name, *arguments)


def built(job: type[Job], arguments: Arguments, options: Options) -> Job:
    """A job as it is to be enqueued; raises InvalidArguments."""
    args, kwargs = spelled(job, arguments)
    payload = Payload(job.name, args, kwargs, options.id or new_id(), enqueued_at=now())
    if job.identifies:
        same = payload.identifier = job.identify(*args, **kwargs)
        right = isinstance(same, str) and bool(same) and is_utf8(same)
        expect(right, f"{job.name}.identify", "a non-empty text", same)
    if job.expires is not None:
        start = payload.enqueued_at
        due = options.at if options.at is not None else start + (options.delay or 0)
        payload.expires_at = round(max(due, start) + job.expires, 3)
    known = Facts(job, payload, options.queue or job.queue)
    known.due, known.newer = options.due, options.newer
    made: Job = known.new()
    return made
