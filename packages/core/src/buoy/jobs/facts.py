"""The facts of a job, kept where neither its class nor its run can change them.

A job is an object of the user's class, and such an object may define any attribute. So the code
that settles a job never reads the object: it reads the facts.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError, InvalidArguments
from ..model.due import NOW, Due
from ..model.limits import OF_RUNS
from ..model.options import AS_DECLARED
from ..model.payload import Payload
from ..model.reservation import NO_WORKER, worker_in
from ..model.signature import NormalizedArguments
from ..model.transition import Transition
from .arguments import CLASS_CHANGED, declared_arguments
from .sealing import open_arguments

if TYPE_CHECKING:
    from .job import Job


class Bearer:
    """Has a slot for facts that no attribute of a subclass, or of an object, can hide."""

    __slots__ = ("__dict__", "__weakref__", "_buoy")


facts: Callable[[Any], "Facts"] = vars(Bearer)["_buoy"].__get__
"""Returns the facts of a job, whatever its class does with attributes. Raises AttributeError for an
object that was made by hand."""
set_facts: Callable[[Any, "Facts"], None] = vars(Bearer)["_buoy"].__set__
attributes_of: Callable[[Any], dict[str, Any]] = vars(Bearer)["__dict__"].__get__
"""Returns the attributes that are set on a job itself."""


class Facts:
    """One job that is being enqueued, or one run of it. ``kind`` is its class."""

    __slots__ = (
        *("asked", "attached", "children", "claim", "declared", "deferred", "due", "ended_by"),
        *("is_typed", "kind", "newer", "options", "parent", "payload", "performer", "queue"),
        *("seen", "then", "token", "told", "watched"),
    )

    def __init__(self, kind: type[Any], payload: Payload, queue: str, token: str = "") -> None:
        self.kind, self.payload, self.queue, self.token = kind, payload, queue, token
        self.attached: Transition | None = None
        """The attachments to the next change of state; made at the first access."""
        self.is_typed = kind._codecs[1] is not None or payload.sealed is not None
        """Whether its arguments are stored in another form than ``perform`` declares."""
        self.declared: NormalizedArguments | None = None
        """The arguments for the next run, as ``perform`` declares them; None if not made yet."""
        self.options = AS_DECLARED
        """How its enqueueing differs from what its class declares."""
        self.performer: Any = None
        """The object on which ``perform`` is called, while that runs."""
        self.due: Due = NOW
        self.newer: tuple[str, int] | None = None
        self.claim: str | None = None
        self.asked: Any = None
        """What its run knows of whether it is cancelled; None if it has not asked."""
        self.then: tuple[tuple[Any, ...], ...] = ()
        """Commands that go with the enqueueing, beside those that hooks attach."""
        self.told: tuple[str, str, str] | None = None
        """The group that is told of its end: its home, its id, the name of the job in it."""
        self.deferred = ""
        """Why a plugin has deferred its enqueueing; "" if none has."""
        self.parent: Facts | None = None
        """The run with whose good end it is enqueued; None if it is enqueued at once."""
        self.children: Sequence[Job] | None = None
        """The jobs that it enqueues if it ends well: a list while it runs, a tuple when it has
        ended; None before the first."""
        self.ended_by: BaseException | None = None
        """The error that its worker has raised in the run, to end it."""
        self.watched = False
        """Whether a plugin is told of this run, or of the end of its child."""
        self.seen: Any = None
        """The object that the hooks of this run get. The code that ends the run sets it to None, so
        that object and facts do not keep each other alive."""

    @property
    def transition(self) -> Transition:
        if self.attached is None:
            self.attached = Transition(self.queue)
        return self.attached

    @property
    def id(self) -> str:
        return self.payload.id

    @property
    def identifier(self) -> str:
        return self.payload.identified()

    @property
    def attempt(self) -> int:
        return self.payload.attempt

    @property
    def plugin_data(self) -> dict[str, dict[str, Any]]:
        return self.payload.plugins

    @property
    def worker(self) -> str:
        return worker_in(self.token)

    @property
    def is_inline(self) -> bool:
        return self.token == NO_WORKER

    @property
    def app(self) -> Any:
        return self.kind.app

    @property
    def timeout(self) -> float | None:
        return self.limit("timeout")  # type: ignore[no-any-return]  # it was checked

    @property
    def max_memory(self) -> int | None:
        return self.limit("max_memory")  # type: ignore[no-any-return]  # as above

    def limit(self, name: str) -> Any:
        """Returns a limit of this job: its own, else that of its class; None for no limit."""
        own = self.payload.limits
        return getattr(self.kind, name) if own is None or name not in own else own[name]

    @property
    def expires(self) -> float | None:
        """The seconds after being due within which the first run must start."""
        return self.kind.expires if self.options.expires is None else self.options.expires

    @property
    def max_length(self) -> int | None:
        """The number of jobs in its queue from which on it is refused."""
        own = self.options.max_length
        return self.kind.max_length if own is None else own

    @property
    def priority(self) -> str:
        """Its priority in its queue."""
        own = self.options.priority
        return self.kind.priority if own is None else own

    def open_arguments(self) -> None:
        """Make sealed arguments plain; raises SealError."""
        open_arguments(self.kind, self.payload)

    def declare_arguments(self) -> None:
        """Make the arguments that ``perform`` declares of those that are stored. Raises
        InvalidArguments if they do not fit, or SealError."""
        self.open_arguments()
        args, kwargs = self.payload.arguments()
        name = self.payload.name
        try:
            self.declared = declared_arguments(self.kind, name, args, kwargs)
        except InvalidArguments:
            if self.payload.sealed is None:
                raise
            told = f"{name}: sealed arguments do not fit; {CLASS_CHANGED}"
            raise InvalidArguments(told) from None

    def arguments(self) -> NormalizedArguments:
        """Returns the arguments for one run of ``perform``; raises InvalidArguments."""
        if self.declared is None:
            self.declare_arguments()
        declared, self.declared = self.declared, None
        assert declared is not None
        return declared

    def hooks(self) -> Any:
        """Returns the caller of the hooks of its class; None if neither the class nor its app has
        plugins."""
        app, hooks = self.kind._relay
        return hooks if app is self.kind.app else self.kind._hooks()

    def __str__(self) -> str:
        return f"<{self.payload.name} {self.id} attempt {self.attempt}>"

    # Objects of the class

    def job(self) -> Any:
        """Returns the object that all hooks of this run get; ``perform`` is never called on it."""
        if self.seen is None:
            self.seen = self.new()
        return self.seen

    def performing(self) -> Any:
        """Returns the object to call ``perform`` on: a new one if there are plugins, with the
        attributes that they have set on theirs."""
        if self.hooks() is None:
            return self.seen
        job = self.new()
        if attributes := attributes_of(self.seen):
            attributes_of(job).update(attributes)
        return job

    def has_performed(self, job: Any) -> None:
        """Let plugins see the attributes that ``perform`` has set on its object, except those with
        names of the API: under these names plugins read the facts."""
        if self.seen is not job and (attributes := attributes_of(job)):
            own = ((name, value) for name, value in attributes.items() if name not in API)
            attributes_of(self.seen).update(own)

    def new(self) -> Any:
        """Returns a new object of the class; raises ConfigurationError if Python cannot make it."""
        try:
            job = object.__new__(self.kind)
        except TypeError as error:
            raise ConfigurationError(
                f"{self.payload.name}: no object can be made: {error}"
            ) from None
        set_facts(job, self)
        if self.queue != self.kind.queue:
            attributes_of(job)["queue"] = self.queue
        if self.payload.tags is not self.kind.tags:
            attributes_of(job)["tags"] = tuple(self.payload.tags)
        if self.payload.limits:
            attributes_of(job).update((name, self.limit(name)) for name in OF_RUNS)
        return job


def seen_by_hooks(job: Any) -> Any:
    """Returns the job without the attributes that ``perform`` has set on its object.

    A function that a job calls with its ``self`` uses this first. An object that was made by hand
    is returned as it is.
    """
    try:
        return facts(job).job()
    except AttributeError:
        return job


API: set[str] = set()
"""The attributes of jobs that mean something to buoy; see job.py."""


class Fact:
    """An attribute that is read from the facts of a job.

    The decorated function gives the name and the type; it is never called. Unlike a property, the
    name can be set on an object, by a run that uses it for something else: that run then reads what
    it has set, and nobody else does.
    """

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self.name, self.__doc__ = read.__name__, read.__doc__
        self.read = attrgetter(self.name)

    def __get__(self, job: Any, owner: type) -> Any:
        if job is None:
            return self
        try:
            return self.read(facts(job))
        except AttributeError:
            raise AttributeError(
                f"{type(job).__qualname__}.{self.name}: expected a job that was enqueued, "
                "or built by app.build, got an object that was made by hand"
            ) from None


if TYPE_CHECKING:
    fact = property
else:
    fact = Fact
