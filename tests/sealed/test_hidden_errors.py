"""The oddest errors lose their messages, and remain what they are for those who decide by them."""

from collections.abc import Callable
from threading import Lock
from typing import Any

import pytest

from buoy import (
    App,
    InvalidArguments,
    Job,
    JobTimeout,
    Later,
    Plugin,
    SealError,
    Terminated,
    hookimpl,
)
from buoy.plugins import describe_error, format_traceback
from buoy.testing import drain
from buoy_sealed import Sealed
from buoy_sealed.hidden_error import DEEPEST, hidden_error
from buoy_steps import GoesOnLater

from .shop import NEW, SECRET


class Odd(Exception):
    """Needs arguments, has a message of its own, raises in ``__str__``, and cannot be pickled."""

    def __init__(self, first: object, second: object) -> None:
        super().__init__(first, second)
        self.seconds, self.message, self.lock = 5, first, Lock()

    def __str__(self) -> str:
        raise RuntimeError(SECRET)

    __repr__ = __format__ = __str__  # type: ignore[assignment]


class Final(Exception):
    def __init_subclass__(cls) -> None:
        raise TypeError(f"no subclasses {SECRET}")


class Strict(type):
    """Makes no class after the first, and tells nothing true of it."""

    def __new__(cls, name: str, bases: tuple[type, ...], fields: dict[str, Any]) -> Any:
        if bases != (Exception,):
            raise TypeError(SECRET)
        return super().__new__(cls, name, bases, fields)

    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise RuntimeError(SECRET)


class OfStrict(Exception, metaclass=Strict):
    pass


class Picky(Exception):
    def __new__(cls, *args: object) -> "Picky":
        if cls is not Picky or not args:
            raise TypeError(SECRET)
        return super().__new__(cls)

    @property
    def __class__(self) -> Any:
        return SealError

    @__class__.setter
    def __class__(self, kind: Any) -> None: ...

    def __setattr__(self, name: str, value: object) -> None:
        raise RuntimeError(SECRET)

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(SECRET)

    with_traceback = property(lambda self: 1 / 0)


class Closed(Exception):
    """Slots, which no error shows."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


class OwnExit(SystemExit):
    pass


class Told(BaseException):
    """Is no Exception."""


class OwnTimeout(JobTimeout):
    cause = "timeout"


def nested(levels: int) -> BaseException:
    error: Exception = ValueError(SECRET)
    for _ in range(levels):
        error = ExceptionGroup(SECRET, [error])
    return error


def deaf() -> BaseException:
    error = ValueError("x")
    error.__dict__.update(__str__=SECRET, __notes__=SECRET, detail=SECRET)
    return error


ERRORS: dict[str, Callable[[], BaseException]] = {
    "wants arguments, raises in __str__, has a lock": lambda: Odd(SECRET, 1),
    "refuses subclasses": lambda: Final(SECRET),
    "refuses them by its metaclass": lambda: OfStrict(SECRET),
    "refuses all": lambda: Picky(SECRET),
    "has slots": lambda: Closed(SECRET),
    "of the system": lambda: OSError(2, SECRET, SECRET),
    "of the system, without number": lambda: OSError(SECRET, SECRET),
    "unicode": lambda: UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET),
    "syntax": lambda: SyntaxError(SECRET, (SECRET, 1, 1, SECRET)),
    "import": lambda: ImportError(SECRET, name=SECRET, path=SECRET),
    "group": lambda: nested(2),
    "deep groups": lambda: nested(DEEPEST * 3),
    "group of all": lambda: BaseExceptionGroup(SECRET, [Told(SECRET), ValueError(SECRET)]),
    "of buoy": lambda: InvalidArguments(SECRET),
    "exit": lambda: SystemExit(SECRET),
    "own exit": lambda: OwnExit(SECRET),
    "no Exception": lambda: Told(SECRET),
    "keyboard": lambda: KeyboardInterrupt(SECRET),
    "own timeout": lambda: OwnTimeout(SECRET),
    "attributes": deaf,
}


def raised(make: Callable[[], BaseException]) -> BaseException:
    """Returns an error as a job raises it: while it handles another one, with a cause."""
    try:
        try:
            raise LookupError(SECRET)
        except LookupError as cause:
            error = make()
            if not isinstance(error, Picky) and type(error) is not Picky:
                error.add_note(SECRET) if "__notes__" not in vars(error) else None
            raise error from cause
    except BaseException as error:  # noqa: BLE001 - it is what is wanted
        return error


@pytest.mark.parametrize("name", ERRORS)
def test_errors_of_all_kinds_lose_their_message_and_keep_their_type(name: str) -> None:
    error = raised(ERRORS[name])
    kind = describe_error(error)[0]

    hidden = hidden_error(error)

    shown = [str(hidden), repr(hidden), f"{hidden}", format_traceback(hidden)]
    assert SECRET not in "".join(shown)
    assert describe_error(hidden) == (kind, "[sealed]")
    assert issubclass(type(hidden), type(error))
    assert "in raised" in format_traceback(hidden)


def test_causes_remain_hidden_and_where_they_were() -> None:
    error = raised(lambda: ValueError(SECRET))
    cause = error.__cause__
    assert cause is not None
    cause.__context__ = OSError(2, SECRET)

    hidden = hidden_error(error)

    found: Any = hidden.__cause__
    assert isinstance(found, LookupError)
    assert isinstance(found.__cause__, OSError)
    assert found.__cause__.errno == 2
    assert "LookupError: [sealed]" in format_traceback(hidden)
    assert SECRET not in format_traceback(hidden)


def test_a_context_that_is_not_shown_remains_for_those_who_ask() -> None:
    error = ValueError(SECRET)
    error.__context__, error.__suppress_context__ = KeyError(SECRET), True

    hidden = hidden_error(error)

    assert isinstance(hidden.__context__, KeyError)
    assert "KeyError" not in format_traceback(hidden)
    assert str(hidden.__context__) == "[sealed]"


def test_errors_that_come_from_each_other_or_from_very_many_end() -> None:
    first, second = ValueError(SECRET), KeyError(SECRET)
    first.__cause__, second.__context__ = second, first
    group = ExceptionGroup(SECRET, [first, second])
    first.__context__ = group
    many: BaseException = group
    for _ in range(DEEPEST * 100):
        above = ValueError(SECRET)
        above.__cause__ = above.__context__ = many
        many = above

    hidden: Any = hidden_error(first)
    assert hidden.__cause__.__cause__ is hidden
    assert SECRET not in format_traceback(hidden)

    length, each = 0, hidden_error(many)
    while each.__cause__ is not None:
        length, each = length + 1, each.__cause__
    assert length == DEEPEST


def test_an_error_that_is_being_handled_around_the_run_is_hidden_too(
    buoy_app: App, caplog: pytest.LogCaptureFixture
) -> None:
    found: list[BaseException] = []

    class Seeing(Plugin):
        @hookimpl
        def on_failure(self, job: Job, error: BaseException) -> None:
            found.append(error)

    class Raising(Job):
        plugins = [Sealed([NEW]), Seeing()]

        def perform(self) -> None:
            raise ValueError(SECRET)

    try:
        raise LookupError(SECRET)
    except LookupError:
        Raising.enqueue()
        drain(buoy_app)

    [hidden] = found
    assert "LookupError: [sealed]" in format_traceback(hidden)
    assert SECRET not in format_traceback(hidden) + caplog.text


@pytest.mark.parametrize("name", ERRORS)
def test_a_job_that_raises_one_fails_and_tells_nothing(
    buoy_app: App, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Raising(Job):
        plugins = [Sealed([NEW])]

        def perform(self, name: str, secret: str) -> None:
            raise raised(ERRORS[name])

    id = Raising.enqueue(name, SECRET).id
    drain(buoy_app)

    view = buoy_app.find(id)
    assert view is not None
    assert view.failure["message"] == "[sealed]"
    assert SECRET not in str(view.failure) + view.raw + caplog.text


def test_plugins_decide_by_what_an_error_is_and_has(buoy_app: App) -> None:
    found: list[Any] = []

    class Deciding(Plugin):
        @hookimpl
        def on_failure(self, job: Job, error: BaseException) -> Later | None:
            match error:
                case Odd():
                    found.append(error.seconds)
                case OSError():
                    found.append(error.errno)
                case ExceptionGroup():
                    found.append([type(each).__name__ for each in error.exceptions])
            return None

    class Raising(Job):
        plugins = [Sealed([NEW]), Deciding()]

        def perform(self, name: str) -> None:
            raise ERRORS[name]()

    for name in ("wants arguments, raises in __str__, has a lock", "of the system", "group"):
        Raising.enqueue(name)
    Raising.enqueue("of the system, without number")
    drain(buoy_app)

    assert found == [5, 2, ["ExceptionGroup"], None]


@pytest.mark.parametrize("code", [None, 0, 3, True])
def test_an_exit_keeps_its_number(code: int | None) -> None:
    for kind in (SystemExit, OwnExit):
        hidden = hidden_error(kind(code))
        assert isinstance(hidden, SystemExit)
        assert hidden.code == code


@pytest.mark.parametrize(
    "error", [Terminated("the worker stops"), GoesOnLater("goes on"), SealError("no key")]
)
def test_errors_by_which_runs_end_are_shown_but_not_what_they_came_from(
    error: BaseException,
) -> None:
    text = str(error)

    hidden = hidden_error(raised(lambda: error))

    assert hidden is error
    assert str(hidden) == text
    assert SECRET not in format_traceback(hidden)


class Only(type):
    def mro(cls) -> list[type]:
        if cls.__bases__ != (Exception,):
            raise KeyboardInterrupt(SECRET)
        return super().mro()


class Single(Exception, metaclass=Only):
    pass


def test_an_error_of_a_class_that_can_have_no_subclass_at_all_is_named() -> None:
    hidden = hidden_error(raised(lambda: Single(SECRET)))

    assert type(hidden) is SealError
    assert str(hidden) == f"{__name__}.Single: [sealed]"
    assert "in raised" in format_traceback(hidden)
    assert SECRET not in format_traceback(hidden)
