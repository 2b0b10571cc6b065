"""Classes, objects and errors of the oddest kind; each fails, with an error of its own."""

import asyncio
import contextvars
import logging
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from buoy import Job, Plugin, hookimpl
from buoy.errors import Terminated

from .record import note

COUNT = 20_000
variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="clean")


class Nasty(Job):
    """Raises in ``perform`` what ``raised`` makes."""

    queue = "nasty"
    raised: Callable[[], BaseException]

    def perform(self) -> None:
        variable.set("dirty")
        raise type(self).raised()


class Good(Job):
    """Runs behind a nasty one, and says how it found the world."""

    queue = "nasty"

    def perform(self, word: str) -> None:
        note("ran", f"{word} {variable.get()}")


# Classes


class Unfinished(Nasty, ABC):
    """Forgets what a base wants."""

    @abstractmethod
    def rows(self) -> None: ...


class TakesOverItsState(Nasty):
    def perform(self) -> None:
        me: Any = self
        for name in ("payload", "transition", "queue", "token"):
            setattr(me, name, {"n": 1})
        raise ValueError("the real error")


class CannotBeWrittenTo(Nasty):
    raised = staticmethod(lambda: ValueError("the real error"))

    def __setattr__(self, name: str, value: object) -> None:
        raise PermissionError(f"{name} is mine")


class CannotBeRead(Nasty):
    def __getattribute__(self, name: str) -> Any:
        raise PermissionError("read it elsewhere")


class CannotBeNamed(Nasty):
    def __repr__(self) -> str:
        raise SystemExit("no name")

    def perform(self) -> None:
        raise ValueError("the real error")


def leaving(name: str, left: Callable[[Any], object]) -> type[Job]:
    """Leaves something with the job that cannot be kept, and then says that it is done."""

    def perform(self: Job) -> None:
        variable.set("dirty")
        left(self)

    body = {"perform": perform, "__module__": __name__, "__qualname__": name}
    return type(name, (Nasty,), body)


def failing(name: str, left: Callable[[Any], object]) -> type[Job]:
    """The same, and then it fails."""

    def perform(self: Job) -> None:
        variable.set("dirty")
        left(self)
        raise ValueError("the real error")

    body = {"perform": perform, "__module__": __name__, "__qualname__": name}
    return type(name, (Nasty,), body)


# What plugins do about a failure


def broken(kind: str) -> Any:
    class Lying:
        @property  # type: ignore[misc]
        def __class__(self) -> Any:
            raise OSError("no class")

    match kind:
        case "exits":
            raise SystemExit("from on_failure")
        case "number":
            return 5
        case _:
            return Lying()


@dataclass(frozen=True)
class Breaks(Plugin):
    """Does to a failed job what its word says."""

    kind: str

    @hookimpl
    def on_failure(self, job: Job) -> Any:
        if self.kind == "carries":
            job.plugin_data["mine"] = {"when": {1, 2}}
            return None
        return broken(self.kind)


@dataclass(frozen=True)
class Around(Plugin):
    """Wraps a run wrongly."""

    kind: str

    @hookimpl(wrapper=True)
    def around_perform(self) -> Iterator[None]:
        if self.kind == "before":
            raise KeyboardInterrupt("before")
        if self.kind == "never":
            return
        yield
        yield


class PluginExits(Nasty):
    plugins = [Breaks("exits")]
    raised = ValueError


class PluginSaysFive(Nasty):
    plugins = [Breaks("number")]
    raised = ValueError


class PluginLies(Nasty):
    plugins = [Breaks("lies")]
    raised = ValueError


class PluginCarriesASet(Nasty):
    plugins = [Breaks("carries")]
    raised = ValueError


class WrappedTooEarly(Nasty):
    plugins = [Around("before")]


class WrappedNever(Nasty):
    plugins = [Around("never")]


# Errors


class Mute(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt("no words")


class SaysANumber(Exception):
    def __str__(self) -> Any:
        return 5  # noqa: PLE0307


class Text(str):
    __slots__ = ()

    def encode(self, *_: Any, **__: Any) -> bytes:
        raise OSError("no bytes")

    def __format__(self, _: str) -> str:
        raise OSError("no format")

    def __len__(self) -> int:
        raise OSError("no length")


class SaysAText(Exception):
    def __str__(self) -> str:
        return Text("a text of its own")


class SaysASurrogate(Exception):
    def __str__(self) -> str:
        return "half \ud800"


class ClaimsToBeAnother(Exception):
    by_worker = True
    cause = property(lambda self: 1 / 0)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return Terminated


class HasNoClass(Exception):
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise OSError("no class")


class Evil(type):
    def __getattribute__(cls, name: str) -> Any:
        raise OSError(f"no {name}")

    def __call__(cls, *args: Any) -> Any:
        kind: Any = cls
        return BaseException.__new__(kind, *args)


class OfAnEvilClass(Exception, metaclass=Evil):
    pass


class OfNoModule(Exception):
    __module__ = 5  # type: ignore[assignment]


class HidesEverything(Exception):
    def __getattribute__(self, name: str) -> Any:
        raise OSError(f"no {name}")


class HidesItsStory(Exception):
    __traceback__ = property(lambda self: 1 / 0)
    __cause__ = property(lambda self: 1 / 0)
    __context__ = property(lambda self: 1 / 0)
    __notes__ = property(lambda self: 1 / 0)


class CannotBeCompared(Exception):
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise OSError("not comparable")

    def __bool__(self) -> bool:
        raise OSError("neither true nor false")


class WantsTwo(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__()
        self.one, self.two = one, two

    def __str__(self) -> str:
        return f"{self.one} and {self.two}"


class DirtyButWrong(Terminated):
    cause = 5  # type: ignore[assignment]
    seconds = "long"  # type: ignore[assignment]
    peak_memory: Any = []


def many() -> BaseException:
    return ExceptionGroup("many", [ValueError(n) for n in range(COUNT)])


def deep() -> BaseException:
    error: Exception = ValueError("the first")
    for _ in range(10_000):
        error = ExceptionGroup("deep", [error])
    return error


def chained() -> BaseException:
    last = error = ValueError("the last")
    for n in range(COUNT):
        error.__cause__ = error = ValueError(n)
    return last


def in_a_circle() -> BaseException:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    one.__context__, two.__context__ = two, two
    return one


def with_notes() -> BaseException:
    error = ValueError("noted")
    error.__notes__ = [Mute(), 5, "\ud800"]  # type: ignore[list-item]
    return error


def from_nowhere() -> BaseException:
    class Loader:
        def get_source(self, name: str) -> str:
            raise SystemExit("no source")

    names: dict[str, Any] = {"__loader__": Loader(), "__name__": "nowhere"}
    exec(compile("def f(): raise ValueError('from nowhere')", "/no/where.py", "exec"), names)
    try:
        names["f"]()
    except ValueError as error:
        return error
    raise AssertionError


def without_a_trace() -> BaseException:
    return ValueError("without a trace").with_traceback(None)


class Recurses(Nasty):
    def perform(self) -> None:
        self.perform()


def raising(name: str, raised: Callable[[], BaseException]) -> type[Job]:
    body = {"raised": staticmethod(raised), "__module__": __name__, "__qualname__": name}
    return type(name, (Nasty,), body)


def awaiting(name: str, raised: Callable[[], BaseException]) -> type[Job]:
    async def perform(self: Job) -> None:
        variable.set("dirty")
        await asyncio.sleep(0)
        raise raised()

    body = {"perform": perform, "__module__": __name__, "__qualname__": name}
    return type(name, (Nasty,), body)


class CancelsItself(Nasty):
    async def perform(self) -> None:  # type: ignore[override]
        task = asyncio.current_task()
        assert task is not None
        task.cancel("by itself")
        await asyncio.sleep(1)


class CancelsItselfAtTheEnd(Nasty):
    async def perform(self) -> None:  # type: ignore[override]
        task = asyncio.current_task()
        assert task is not None
        task.cancel("at the end")


class SpoilsItsLoop(Nasty):
    async def perform(self) -> None:  # type: ignore[override]
        loop = asyncio.get_running_loop()
        factory: Any = lambda loop, coroutine: asyncio.Task(coroutine, loop=loop)  # noqa: E731
        loop.set_task_factory(factory)
        raise ValueError("the real error")


REAL = ("ValueError", "the real error")
CLASSES: dict[type[Job], tuple[str, str]] = {
    TakesOverItsState: REAL,
    CannotBeWrittenTo: REAL,
    CannotBeRead: ("PermissionError", "read it elsewhere"),
    Unfinished: ("ConfigurationError", "rows"),
    CannotBeNamed: REAL,
    PluginExits: ("ValueError", ""),
    PluginSaysFive: ("ValueError", ""),
    PluginLies: ("ValueError", ""),
    PluginCarriesASet: ("ValueError", ""),
    WrappedTooEarly: ("KeyboardInterrupt", "before"),
    WrappedNever: ("RuntimeError", "did not yield"),
    Recurses: ("RecursionError", "maximum recursion depth exceeded"),
    CancelsItself: ("CancelledError", ""),
    CancelsItselfAtTheEnd: ("CancelledError", ""),
    SpoilsItsLoop: REAL,
}
"""What is in the failure record: the error, and a part of its message."""

ERRORS: dict[str, tuple[Callable[[], BaseException], str, str]] = {
    "Exits": (lambda: SystemExit(0), "SystemExit", "0"),
    "Interrupts": (KeyboardInterrupt, "KeyboardInterrupt", ""),
    "EndsAGenerator": (GeneratorExit, "GeneratorExit", ""),
    "StopsAnIteration": (lambda: StopIteration(5), "StopIteration", "5"),
    "IsCancelled": (asyncio.CancelledError, "CancelledError", ""),
    "IsOnlyABase": (lambda: BaseException("base"), "BaseException", "base"),
    "LacksMemory": (MemoryError, "MemoryError", ""),
    "RaisesMute": (Mute, "Mute", "(cannot be shown: KeyboardInterrupt)"),
    "RaisesANumber": (SaysANumber, "SaysANumber", "(cannot be shown: TypeError)"),
    "RaisesAText": (SaysAText, "SaysAText", "a text of its own"),
    "RaisesASurrogate": (SaysASurrogate, "SaysASurrogate", "half \\ud800"),
    "RaisesALie": (lambda: ClaimsToBeAnother("a lie"), "ClaimsToBeAnother", "a lie"),
    "RaisesWithoutClass": (lambda: HasNoClass("no class"), "HasNoClass", "no class"),
    "RaisesOfAnEvilClass": (lambda: OfAnEvilClass("evil"), "OfAnEvilClass", ""),
    "RaisesOfNoModule": (lambda: OfNoModule("homeless"), "OfNoModule", "homeless"),
    "RaisesHidden": (lambda: HidesEverything("hidden"), "HidesEverything", "hidden"),
    "RaisesAStory": (lambda: HidesItsStory("a story"), "HidesItsStory", "a story"),
    "RaisesUncomparable": (lambda: CannotBeCompared("none"), "CannotBeCompared", "none"),
    "RaisesTwo": (lambda: WantsTwo(1, 2), "WantsTwo", "1 and 2"),
    "RaisesDirt": (lambda: DirtyButWrong("dirt"), "DirtyButWrong", "dirt"),
    "RaisesMany": (many, "ExceptionGroup", "many (20000 sub-exceptions)"),
    "RaisesDeep": (deep, "ExceptionGroup", "deep (1 sub-exception)"),
    "RaisesAChain": (chained, "ValueError", "the last"),
    "RaisesACircle": (in_a_circle, "ValueError", "one"),
    "RaisesNotes": (with_notes, "ValueError", "noted"),
    "RaisesFromNowhere": (from_nowhere, "ValueError", "from nowhere"),
    "RaisesWithoutATrace": (without_a_trace, "ValueError", "without a trace"),
}
ASYNC = {
    "Exits": "SystemExit",
    "Interrupts": "KeyboardInterrupt",
    "EndsAGenerator": "GeneratorExit",
    "StopsAnIteration": "RuntimeError",  # Python has it so: a coroutine cannot raise it
    "IsCancelled": "CancelledError",
    "IsOnlyABase": "BaseException",
    "RaisesALie": "ClaimsToBeAnother",
    "RaisesMany": "ExceptionGroup",
}

NOT_ADDED = ("PluginError", "job.transition: expected what then() adds")
LEFT: dict[str, tuple[Callable[[Any], object], tuple[str, str]]] = {
    "AttachesANumber": (lambda job: setattr(job.transition, "commands", 5), NOT_ADDED),
    "AttachesNought": (lambda job: setattr(job.transition, "commands", 0), NOT_ADDED),
    "AttachesHalf": (lambda job: setattr(job.transition, "commands", [["SAVE"]]), NOT_ADDED),
}
"""What is left with a job that is done."""

CARRIED: dict[str, Callable[[Any], object]] = {
    "CarriesASurrogate": lambda job: job.plugin_data.update(mine={"half": "\ud800"}),
    "CarriesAByte": lambda job: job.plugin_data.update(mine={"half": "\udc80"}),
    "CarriesACircle": lambda job: job.plugin_data.update(mine=job.plugin_data),
}

EXPECTED = dict(CLASSES)
for name, left in CARRIED.items():
    EXPECTED[failing(name, left)] = REAL
for name, (made, error, message) in ERRORS.items():
    EXPECTED[raising(name, made)] = (error, message)
for name, error in ASYNC.items():
    EXPECTED[awaiting(f"Awaits{name}", ERRORS[name][0])] = (error, "")


INLINE = list(EXPECTED)
"""Those that fail as well where nothing is kept of a job."""
for name, (left, told) in LEFT.items():
    EXPECTED[leaving(name, left)] = told


class Alert(logging.Handler):
    """Posts errors to a chat that is down."""

    def emit(self, record: logging.LogRecord) -> None:
        raise ConnectionError("the chat is down")


class Sieve(logging.Filter):
    """Lets nothing pass without a mistake."""

    def filter(self, record: logging.LogRecord) -> bool:
        raise SystemExit("the sieve is broken")


def alarmed() -> None:
    """Have the app's log be of no use."""
    logging.getLogger().addHandler(Alert(logging.ERROR))
    logging.getLogger("buoy.job").addFilter(Sieve())
    sys.excepthook = lambda *_: 1 / 0
