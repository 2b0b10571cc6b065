"""What buoy knows of a job, kept where neither its class nor its run can reach it.

A job is an object of the user's class, and such an object may be, and do, whatever it likes. So
what settles a job never asks the object: it asks the facts.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from ..model.payload import Payload
from ..model.transition import Transition


class Bearer:
    """Has a place for facts that no attribute of a subclass, or of an object, can hide."""

    __slots__ = ("__dict__", "__weakref__", "_buoy")


facts: Callable[[Any], "Facts"] = vars(Bearer)["_buoy"].__get__
"""The facts of a job, whatever its class does with attributes."""
place_facts: Callable[[Any, "Facts"], None] = vars(Bearer)["_buoy"].__set__
names_of: Callable[[Any], dict[str, Any]] = vars(Bearer)["__dict__"].__get__
"""The names that are set on a job itself."""


class Facts:
    """One job: on its way into its queue, or in a run. ``kind`` is its class."""

    __slots__ = ("attached", "claim", "due", "kind", "newer", "payload", "queue", "seen", "token")

    def __init__(self, kind: type[Any], payload: Payload, queue: str, token: str = "") -> None:
        self.kind, self.payload, self.queue, self.token = kind, payload, queue, token
        self.attached: Transition | None = None
        """What is attached to the next change of its state: made for who asks."""
        self.due = ""
        self.newer: tuple[str, int] | None = None
        self.claim: str | None = None
        self.seen: Any = None
        """The object that the hooks of this run have seen. Who ends the run forgets it: object and
        facts need not keep each other alive."""

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
    def carried(self) -> dict[str, dict[str, Any]]:
        return self.payload.plugins

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
        """The caller of the hooks of its class; None when it has no plugins."""
        return self.kind.hooks() if self.kind.declared else None

    def __str__(self) -> str:
        return f"<{self.payload.name} {self.id} attempt {self.attempt}>"

    # Objects of the class

    def job(self) -> Any:
        """The object that hooks see: the same in all of them, and never the one that performs."""
        if self.seen is None:
            self.seen = self.new()
        return self.seen

    def performing(self) -> Any:
        """The object to call ``perform`` on: a new one where plugins look on. What they have set on
        theirs is set on it."""
        if not self.kind.declared:
            return self.seen
        job = self.new()
        if names := names_of(self.seen):
            names_of(job).update(names)
        return job

    def has_performed(self, job: Any) -> None:
        """Let plugins see what ``perform`` has set on its object, but for names of the API: these
        tell them what is true."""
        if self.seen is not job and (names := names_of(job)):
            own = ((name, value) for name, value in names.items() if name not in API)
            names_of(self.seen).update(own)

    def new(self) -> Any:
        try:
            job = object.__new__(self.kind)
        except TypeError as error:
            raise ConfigurationError(
                f"{self.payload.name}: no object can be made: {error}"
            ) from None
        place_facts(job, self)
        if self.queue != self.kind.queue:
            names_of(job)["queue"] = self.queue
        return job


def seen_by_hooks(job: Any) -> Any:
    """The same job without what ``perform`` has set on its object: what a run calls, uses this."""
    try:
        return facts(job).job()
    except AttributeError:  # made by hand
        return job


API: set[str] = set()
"""The names of jobs that mean something to buoy; see job.py."""


class Fact:
    """An attribute that is read from the facts of a job.

    What it decorates tells its type and its name; the fact of that name is read without a call.
    Unlike a property it can be set on an object, by a run that uses the name for something else:
    that run then sees what it has set, and nobody else does.
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
