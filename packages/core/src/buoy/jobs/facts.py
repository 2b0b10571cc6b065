"""The facts of a job, kept where neither its class nor its run can change them.

A job is an object of the user's class, and such an object may define any attribute. So the code
that settles a job never reads the object: it reads the facts.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from ..model.due import NOW, Due
from ..model.payload import Payload
from ..model.reservation import NO_WORKER, worker_in
from ..model.transition import Transition


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

    __slots__ = ("attached", "claim", "due", "kind", "newer", "payload", "queue", "seen", "token")

    def __init__(self, kind: type[Any], payload: Payload, queue: str, token: str = "") -> None:
        self.kind, self.payload, self.queue, self.token = kind, payload, queue, token
        self.attached: Transition | None = None
        """The attachments to the next change of state; made at the first access."""
        self.due: Due = NOW
        self.newer: tuple[str, int] | None = None
        self.claim: str | None = None
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
        return self.kind.timeout  # type: ignore[no-any-return]  # checked when it was declared

    @property
    def max_memory(self) -> int | None:
        return self.kind.max_memory  # type: ignore[no-any-return]  # as above

    def hooks(self) -> Any:
        """Returns the caller of the hooks of its class; None if the class has no plugins."""
        return self.kind._hooks() if self.kind._declared else None

    def __str__(self) -> str:
        return f"<{self.payload.name} {self.id} attempt {self.attempt}>"

    # Objects of the class

    def job(self) -> Any:
        """Returns the object that all hooks of this run get; ``perform`` is never called on it."""
        if self.seen is None:
            self.seen = self.new()
        return self.seen

    def performing(self) -> Any:
        """Returns the object to call ``perform`` on: a new one if the class has plugins, with the
        attributes that they have set on theirs."""
        if not self.kind._declared:
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
