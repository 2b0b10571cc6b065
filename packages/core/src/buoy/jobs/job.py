"""Job classes: their declaration, the calls that enqueue jobs, and the attributes of a run."""

from collections.abc import Coroutine, Iterable
from datetime import datetime, timedelta
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, ClassVar, Generic, ParamSpec, Protocol, TypeVar, overload

from ..errors import ConfigurationError, InvalidArguments
from ..model.checks import expect
from ..model.due import Due
from ..model.handle import Handle
from ..model.identity import identifier
from ..model.names import checked_line, checked_queue
from ..model.options import AS_DECLARED, Options, options
from ..model.payload import Payload
from ..model.signature import Signature, signature_of
from ..model.transition import Transition
from .declaration import (
    app_of,
    check_bases,
    check_identify,
    check_limits,
    check_names,
    check_own_app,
    check_perform,
    unusable_reason,
)
from .facts import API, Bearer, Facts, fact, facts
from .origin import execution, full_name, is_of_session
from .plugin import Plugin, merge_plugins, plugin_tuple, relay
from .registry import register

if TYPE_CHECKING:
    from ..app import App

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Rows = Iterable[tuple[Any, ...]]
Async = Coroutine[Any, Any, R]


class Performs(Protocol[P, R_co]):
    """Any job class, for type checkers: a class with ``perform``."""

    def perform(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


class Job(Bearer):
    """The base of job classes: each has ``perform``. An instance is one run of a job."""

    app: ClassVar["App"]
    name: ClassVar[str]
    queue: str = "default"
    plugins: ClassVar[Iterable[Plugin]] = ()
    max_length: ClassVar[int | None] = None
    """Refuse to enqueue when the queue has this many queued and delayed jobs."""
    timeout: ClassVar[float | None] = None
    """The seconds that a run may take."""
    max_memory: ClassVar[int | None] = None
    """The bytes of memory that the process of a run may use."""
    expires: ClassVar[float | None] = None
    """The first run must start within this many seconds after the job is due."""

    # Computed once for each class.
    _declared: ClassVar[tuple[Plugin, ...]] = ()
    """Its plugins, merged with those of its bases."""
    _relay: ClassVar[Any] = None
    """The caller of their hooks; made at the first call."""
    _signature: ClassVar[Signature]
    """The parameters of ``perform``."""
    _awaits: ClassVar[bool] = False
    """Whether ``perform`` is a coroutine function."""
    _identifies: ClassVar[bool] = False
    """Whether the class overrides ``identify``."""
    _usable: ClassVar[Any] = None
    """The class itself once it is known that jobs of it can be made."""
    _findable: ClassVar[Any] = None
    """The class itself once it is known that workers find it by its name."""
    _made_in: ClassVar[Any] = None
    """The execution of its module; another object each time that the module is loaded."""

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
            cls.plugins = plugin_tuple(cls.plugins, cls.__qualname__)
        bases = reversed(cls.__mro__)
        cls._declared = merge_plugins(
            (base.__qualname__, vars(base).get("plugins", ())) for base in bases
        )
        cls._relay = None
        cls._made_in = execution(cls)
        cls._findable = None if is_of_session(cls) else cls
        cls._identifies = (
            getattr(cls.identify, "__func__", None) is not vars(Job)["identify"].__func__
        )
        check_identify(cls)
        if hasattr(cls, "perform"):
            check_perform(cls)
            cls._signature = signature_of(cls)
            cls._awaits = iscoroutinefunction(cls.perform)
            register(cls)
        cls._usable = None if unusable_reason(cls) else cls

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
        return app_of(cls)._enqueue(cls, [(args, kwargs)])[0]

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
        """Put a job with these arguments on its queue; awaits Redis."""
        return (await app_of(cls)._aenqueue(cls, [(args, kwargs)]))[0]

    @overload
    @classmethod
    def enqueue_many(cls: type[Performs[..., Async[R]]], rows: Rows) -> list[Handle[R]]: ...
    @overload
    @classmethod
    def enqueue_many(cls: type[Performs[..., R]], rows: Rows) -> list[Handle[R]]: ...
    @classmethod
    def enqueue_many(cls: Any, rows: Rows) -> list[Handle[Any]]:
        """Enqueue a job for each row of positional arguments: 1000 jobs in one round trip."""
        return enqueue_checked_rows(cls, rows, AS_DECLARED)

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
        """Vary the next enqueueing.

        ``queue``: another queue. ``delay``: seconds until the job is due. ``at``: when it is due
        (epoch seconds, or a ``datetime`` with a time zone). ``id``: an id of your own.
        ``newer=(field, number)``: reject the job unless the queue's number ``field`` is lower.
        Raises InvalidArguments or ConfigurationError for values that are not valid.
        """
        return Call(cls, options(queue, delay, at, id, newer))

    @classmethod
    def identify(cls, *args: Any, **kwargs: Any) -> str:
        """Returns the identifier of a job with these arguments. Jobs with equal identifiers are the
        same for plugins. By default it is made of the class and all arguments."""
        return identifier(cls.name, args, kwargs)

    # A run

    @fact
    def id(self) -> str:
        """The id of the job. It does not change between attempts."""
        return facts(self).id

    @fact
    def identifier(self) -> str:
        """The result of ``identify`` for the arguments of the job."""
        return facts(self).identifier

    @fact
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return facts(self).attempt

    @fact
    def token(self) -> str:
        """The name of this run. It is "" while the job is being enqueued."""
        return facts(self).token

    @fact
    def worker(self) -> str:
        """The id of the worker that runs the job; "inline" if the process that enqueues it does,
        "" while it is being enqueued."""
        return facts(self).worker

    @fact
    def is_inline(self) -> bool:
        """Whether the job runs in the process that enqueues it, without a worker."""
        return facts(self).is_inline

    @fact
    def plugin_data(self) -> dict[str, dict[str, Any]]:
        """The data (JSON) that plugins keep with the job between attempts: by name of plugin."""
        return facts(self).plugin_data

    @fact
    def payload(self) -> Payload:
        """The fields of the job that are stored in Redis."""
        return facts(self).payload

    @fact
    def transition(self) -> Transition:
        """The attachments to the next change of the job's state."""
        return facts(self).transition

    @fact
    def due(self) -> Due:
        """When the job is due, while it is being enqueued."""
        return facts(self).due

    @classmethod
    def _hooks(cls) -> Any:
        """Returns the caller of the hooks of this class; None if it has no plugins."""
        if cls._declared and cls._relay is None:
            cls._relay = relay(cls._declared)
        return cls._relay

    def __repr__(self) -> str:
        try:
            return str(facts(self))
        except AttributeError:  # made by hand
            return object.__repr__(self)


Job._findable = Job  # a job that is pushed by its name alone has no class that is known here
API.update({name for name in (*vars(Job), *Job.__annotations__) if name[:2] != "__"})


def facts_of(job: type[Any], payload: Payload, queue: str, token: str = "") -> Facts:
    """Returns the facts of a job of this class; raises ConfigurationError for an unusable class."""
    if job._usable is not job and job is not Job:
        check_usable(job)
    return Facts(job, payload, queue, token)


def check_usable(job: type[Job]) -> None:
    """Raise ConfigurationError if no job of the class can be made.

    A class that was unusable when it was made may have got its missing methods since.
    """
    reason = unusable_reason(job)
    if reason is not None:
        raise ConfigurationError(f"{job.__qualname__}: {reason}")
    job._usable = job


class Call(Generic[P, R]):
    """A job class with the options of one enqueueing."""

    def __init__(self, job: type[Job], options: Options) -> None:
        self.job, self.options = job, options

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Handle[R]:
        """Put a job with these arguments on its queue."""
        return app_of(self.job)._enqueue(self.job, [(args, kwargs)], self.options)[0]

    async def aenqueue(self, *args: P.args, **kwargs: P.kwargs) -> Handle[R]:
        """Put a job with these arguments on its queue; awaits Redis."""
        return (await app_of(self.job)._aenqueue(self.job, [(args, kwargs)], self.options))[0]

    def build(self, *args: P.args, **kwargs: P.kwargs) -> Job:
        """Returns a job with these arguments that is not enqueued; raises InvalidArguments."""
        return app_of(self.job)._build(self.job, (args, kwargs), self.options)

    def enqueue_many(self, rows: Rows) -> list[Handle[R]]:
        """Enqueue a job for each row of positional arguments: 1000 jobs in one round trip."""
        expect(self.options.id is None, "using(id)", "no id with enqueue_many", self.options.id)
        return enqueue_checked_rows(self.job, rows, self.options)


def enqueue_checked_rows(job: type[Job], rows: Rows, options: Options) -> list[Handle[Any]]:
    """Enqueue a job for each row; raises InvalidArguments for a row that is no tuple or list."""
    rows = list(rows)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, tuple | list):
            raise InvalidArguments(
                f"{job.name}: row {number}: expected a tuple of positional arguments, "
                f"got {row!r:.80}"
            )
    return app_of(job)._enqueue(job, [(row, {}) for row in rows], options)


@overload
def enqueue(
    job: type[Performs[P, Async[R]]], /, *args: P.args, **kwargs: P.kwargs
) -> Handle[R]: ...
@overload
def enqueue(job: type[Performs[P, R]], /, *args: P.args, **kwargs: P.kwargs) -> Handle[R]: ...
def enqueue(job: Any, /, *args: Any, **kwargs: Any) -> Handle[Any]:
    """Put a job with these arguments on its queue."""
    handles: list[Handle[Any]] = app_of(job)._enqueue(job, [(args, kwargs)])
    return handles[0]
