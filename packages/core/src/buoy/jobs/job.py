"""Job classes: their declaration, and the calls that enqueue jobs."""

from collections.abc import Iterable, Sequence
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, ClassVar, Unpack, overload

from ..model.handle import Handle
from ..model.identity import identifier
from ..model.names import checked_line, checked_queue
from ..model.options import AS_DECLARED, GivenOptions, options
from ..model.payload import Payload
from ..model.priority import Level
from ..model.redaction import NO_NAMES, checked_redact
from ..model.signature import Signature, signature_of
from ..model.tags import NO_TAGS, checked_tags
from .arguments import codecs_of
from .call import Async, Call, P, Performs, Q, R, Rows, checked_rows
from .declaration import (
    app_of,
    check_bases,
    check_identify,
    check_limits,
    check_names,
    check_own_app,
    check_perform,
    check_usable,
    unusable_reason,
)
from .elsewhere import NAMES, Elsewhere
from .facts import API, Facts
from .origin import execution, full_name, is_of_session
from .plugin import Plugin, declared_plugins, plugin_tuple, plugins_in_force
from .registry import register
from .relay import relay
from .run_attributes import RunAttributes

if TYPE_CHECKING:
    from ..app import App


class Job(RunAttributes):
    """The base of job classes: each has ``perform``. An instance is one run of a job."""

    app: ClassVar["App"]
    name: ClassVar[str]
    queue: str = "default"
    plugins: ClassVar[Iterable[Plugin]] = ()
    tags: Sequence[str] = NO_TAGS
    """Short texts by which people find its jobs. Those of a job have also those of its call."""
    redact: ClassVar[Sequence[str]] = NO_NAMES
    """Names of arguments whose values are not shown, also as keys within arguments."""
    max_length: ClassVar[int | None] = None
    """Refuse to enqueue when the queue has this many queued, blocked and delayed jobs."""
    timeout: ClassVar[float | None] = None
    """The seconds that a run may take."""
    max_memory: ClassVar[int | None] = None
    """The bytes of memory that the process of a run may use."""
    priority: ClassVar[Level] = "normal"
    """Its jobs run before those of lower priority in the same queue: "high", "normal" or "low"."""
    check_types: ClassVar[bool] = False
    """Whether enqueueing refuses arguments of other types than ``perform`` declares."""
    expires: ClassVar[float | None] = None
    """The first run must start within this many seconds after the job is due."""

    # Computed once for each class.
    _declared: ClassVar[tuple[Plugin, ...]] = ()
    """Its plugins, merged with those of its bases."""
    _removed: ClassVar[frozenset[type[Plugin]]] = frozenset()
    """The types of plugins that the class, or a base, removes."""
    _relay: ClassVar[tuple[Any, Any]] = (None, None)
    """An app, and the caller of the hooks under this app; the app of the class may be replaced."""
    _codecs: ClassVar[tuple[Any, Any]] = (None, None)
    """An app, and the codecs for the arguments under it; None for a class that takes JSON."""
    _redacts: ClassVar[tuple[Any, Any, Any]] = (None, None, None)
    """An app, a signature, and the field ``redact`` of payloads under these."""
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
        if type(cls.tags) is not tuple or "tags" in vars(cls):
            cls.tags = checked_tags(cls.tags, f"{cls.name}.tags")
        if type(cls.redact) is not tuple or "redact" in vars(cls):
            cls.redact = checked_redact(cls.redact, f"{cls.name}.redact")
        check_limits(cls)
        check_own_app(cls)
        if "plugins" in vars(cls):
            cls.plugins = plugin_tuple(cls.plugins, cls.__qualname__)
        cls._declared, cls._removed = declared_plugins(cls)
        cls._relay, cls._codecs = (None, None), (None, None)
        cls._redacts = (None, None, None)
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
        cls: type[Performs[P, Async[R]]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Handle[R]: ...
    @overload
    @classmethod
    def enqueue(cls: type[Performs[P, R]], /, *args: P.args, **kwargs: P.kwargs) -> Handle[R]: ...
    @classmethod
    def enqueue(cls, /, *args: Any, **kwargs: Any) -> Handle[Any]:
        """Put a job with these arguments on its queue."""
        return app_of(cls)._enqueue(cls, [(args, kwargs)])[0]

    @overload
    @classmethod
    async def aenqueue(
        cls: type[Performs[P, Async[R]]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Handle[R]: ...
    @overload
    @classmethod
    async def aenqueue(
        cls: type[Performs[P, R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Handle[R]: ...
    @classmethod
    async def aenqueue(cls, /, *args: Any, **kwargs: Any) -> Handle[Any]:
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
        """Enqueue a job for each row: 1000 jobs in one round trip. A row is a tuple of positional
        arguments, or a dict of named ones."""
        return app_of(cls)._enqueue(cls, checked_rows(cls, rows))

    @overload
    @classmethod
    async def aenqueue_many(cls: type[Performs[..., Async[R]]], rows: Rows) -> list[Handle[R]]: ...
    @overload
    @classmethod
    async def aenqueue_many(cls: type[Performs[..., R]], rows: Rows) -> list[Handle[R]]: ...
    @classmethod
    async def aenqueue_many(cls: Any, rows: Rows) -> list[Handle[Any]]:
        """Enqueue a job for each row, as ``enqueue_many`` does; awaits Redis."""
        return await app_of(cls)._aenqueue(cls, checked_rows(cls, rows))

    @overload
    @classmethod
    def using(cls: type[Performs[P, Async[R]]], **given: Unpack[GivenOptions]) -> "Call[P, R]": ...
    @overload
    @classmethod
    def using(cls: type[Performs[P, R]], **given: Unpack[GivenOptions]) -> "Call[P, R]": ...
    @classmethod
    def using(cls, **given: Unpack[GivenOptions]) -> "Call[Any, Any]":
        """Vary the next enqueueing.

        ``queue``: another queue. ``delay``: seconds until the job is due. ``at``: when it is due
        (epoch seconds, or a ``datetime`` with a time zone). ``id``: an id of your own.
        ``newer=(field, number)``: reject the job unless the queue's number ``field`` is lower.
        ``tags``: tags besides those of the class. ``timeout``, ``max_memory``, ``expires`` and
        ``max_length``: in place of those of the class. ``priority``: "high", "normal" or "low", in
        place of that of the class. ``front``: whether it goes before all jobs of its priority.
        ``replace``: whether a job with this ``id`` that waits gets these arguments, this time and
        this priority.
        Raises InvalidArguments or ConfigurationError for values that are not valid.
        """
        return Call(cls, options(**given))

    @overload
    @classmethod
    def then(
        cls: type[Performs[P, Async[R]]],
        job: type[Performs[Q, Any]] | Call[Q, Any],
        /,
        *args: Q.args,
        **kwargs: Q.kwargs,
    ) -> "Call[P, R]": ...
    @overload
    @classmethod
    def then(
        cls: type[Performs[P, R]],
        job: type[Performs[Q, Any]] | Call[Q, Any],
        /,
        *args: Q.args,
        **kwargs: Q.kwargs,
    ) -> "Call[P, R]": ...
    @classmethod
    def then(cls, job: Any, /, *args: Any, **kwargs: Any) -> "Call[Any, Any]":
        """Let another job follow: ``Charge.then(Pack, 42).enqueue(7)``. It is enqueued when the one
        before has ended well. ``job``: a class, or what its ``using`` or ``then`` returns. An
        argument RESULT is what the job before returns. Raises InvalidArguments."""
        return Call[Any, Any](cls, AS_DECLARED).then(job, *args, **kwargs)

    @classmethod
    def identify(cls, *args: Any, **kwargs: Any) -> str:
        """Returns the identifier of a job with these arguments. Jobs with equal identifiers are the
        same for plugins. By default it is made of the class and all arguments."""
        return identifier(cls.name, args, kwargs)

    @classmethod
    def _plugins(cls) -> tuple[Plugin, ...]:
        """Returns the plugins of this class and those of its app; the first one is outermost."""
        app = cls.app if cls is Job else app_of(cls)
        return plugins_in_force(app.plugins, cls._declared, cls._removed)

    @classmethod
    def _hooks(cls) -> Any:
        """Returns the caller of the hooks of these plugins; None if there are none."""
        app, hooks = cls._relay
        if app is not cls.app:
            hooks = relay(cls._plugins())
            cls._relay = (cls.app, hooks)
        return hooks


Job._findable = Job  # a job that is pushed by its name alone has no class that is known here
NAMED_IN = (vars(Job), vars(RunAttributes), Job.__annotations__)
API.update(name for names in NAMED_IN for name in names if name[:2] != "__")
for elsewhere in NAMES:  # after that: a class may use these names for something else
    setattr(Job, elsewhere, Elsewhere(elsewhere))


def facts_of(job: type[Any], payload: Payload, queue: str, token: str = "") -> Facts:
    """Returns the facts of a job of this class; raises ConfigurationError for an unusable class."""
    if job._usable is not job and job is not Job:
        check_usable(job)
    if job is not Job:
        codecs_of(job)  # what that loads, children of this process have then
    return Facts(job, payload, queue, token)
