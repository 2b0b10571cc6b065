"""``@job``: makes a job class of a function."""

import inspect
import sys
from abc import ABCMeta
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Generic, TypedDict, Unpack, overload

from ..errors import ConfigurationError
from ..model.checks import expect, short_repr
from ..model.priority import Level
from .call import P, R
from .job import Job
from .plugin import Plugin

if TYPE_CHECKING:
    from ..app import App

SHOWN = (
    *("enqueue", "aenqueue", "enqueue_many", "aenqueue_many", "using"),
    *("name", "queue", "__doc__", "__module__"),
)
"""What ``help`` and completion show of a function that is a job."""


class FunctionKind(ABCMeta):
    """The class of the classes that ``@job`` makes: they look like functions to tools."""

    def __dir__(cls) -> Iterable[str]:
        return SHOWN


class FunctionJob(Job, Generic[P, R], metaclass=FunctionKind):
    """The base of classes that ``@job`` makes of functions. A call of the class calls the
    function."""

    def __new__(cls, /, *args: P.args, **kwargs: P.kwargs) -> R:  # type: ignore[misc]  # see above
        perform: Callable[P, R] = vars(cls)["perform"].__func__
        return perform(*args, **kwargs)

    if TYPE_CHECKING:  # each class brings its own

        def perform(self, *args: P.args, **kwargs: P.kwargs) -> R: ...


class JobOptions(TypedDict, total=False):
    """What ``@job`` takes: the attributes of ``Job``, and ``base``."""

    base: type[Job]
    app: "App"
    name: str
    queue: str
    plugins: Iterable[Plugin]
    tags: Sequence[str]
    redact: Sequence[str]
    check_types: bool
    max_length: int | None
    timeout: float | None
    max_memory: int | None
    expires: float | None
    priority: Level


@overload
def job(function: Callable[P, R], /) -> type[FunctionJob[P, R]]: ...
@overload
def job(
    **options: Unpack[JobOptions],
) -> Callable[[Callable[P, R]], type[FunctionJob[P, R]]]: ...
def job(function: Callable[..., Any] | None = None, /, **options: Unpack[JobOptions]) -> Any:
    """Make a job class of a function. The options are the attributes of ``Job``; those that are not
    given are those of ``base``, a subclass of Job."""
    check_options(options)
    if function is not None:
        return function_job(function, options)
    return lambda function: function_job(function, options)


def check_options(options: JobOptions) -> None:
    """Raise ConfigurationError for an option that there is not, and for a wrong base."""
    for name in options:
        known = ", ".join(JobOptions.__annotations__)
        expect(name in JobOptions.__annotations__, "job", f"one of the options {known}", name)
    base = options.get("base", Job)
    right = isinstance(base, type) and issubclass(base, Job) and not issubclass(base, FunctionJob)
    expect(right, "job(base)", "a subclass of Job, written as a class", base)


def function_job(function: Callable[..., Any], options: JobOptions) -> type[FunctionJob[..., Any]]:
    """Returns the job class for a function."""
    base, name = options.get("base"), options.get("name")
    title = class_title(function, name)
    body = {
        "__module__": getattr(function, "__module__", None) or type(function).__module__,
        "__qualname__": title,
        "__doc__": function.__doc__,
        "__wrapped__": staticmethod(function),
        "perform": staticmethod(function),
    }
    declared = {name: value for name, value in options.items() if name != "base"}
    if name is None:
        declared.pop("name", None)
    bases = (FunctionJob,) if base is None or base is Job else (FunctionJob, base)
    made: Any = FunctionKind(title.rpartition(".")[2], bases, body | declared)
    made.__signature__ = inspect.signature(function)
    if inspect.iscoroutinefunction(function):
        mark_coroutine_function(made)
    return made  # type: ignore[no-any-return]  # as said above


def class_title(function: Any, name: str | None) -> str:
    """Returns the name of the class for a function; raises ConfigurationError if it has no name and
    is given none, and for what is no function."""
    advice = f"; say @job(queue={function!r})" if isinstance(function, str) else ""
    check_no_method(function)
    right = callable(function) and not isinstance(function, type)
    if not right:
        raise ConfigurationError(f"job: expected a function, got {short_repr(function)}{advice}")
    title = getattr(function, "__qualname__", name)
    if not isinstance(title, str):
        raise ConfigurationError(
            f"job: expected a function with a name, got {short_repr(function)}; say name='...'"
        )
    return title


def check_no_method(function: Any) -> None:
    """Raise ConfigurationError for a method: a worker has no object to call it on."""
    owner = getattr(function, "__qualname__", "").rpartition(".")[0]
    in_class = bool(owner) and not owner.endswith("<locals>")
    is_method = isinstance(function, MethodType | classmethod)
    if isinstance(function, FunctionType) and in_class:
        first = next(iter(inspect.signature(function).parameters), "")
        is_method = first in ("self", "cls")
    if is_method:
        raise ConfigurationError(
            f"job: expected a function, got the method {function.__qualname__}: a worker has no "
            "object to call it on; make it a function of its module, or write a subclass of Job"
        )


class AsyncioMark:
    """What ``asyncio.iscoroutinefunction`` looks for, also before Python 3.12. Whoever asks has
    loaded asyncio."""

    def __get__(self, job: Any, owner: type) -> Any:
        return getattr(sys.modules.get("asyncio.coroutines"), "_is_coroutine", None)


def mark_coroutine_function(made: Any) -> None:
    """Let ``iscoroutinefunction`` be true of a class whose call returns a coroutine. That of
    ``inspect`` can be told so from Python 3.12 on."""
    mark = getattr(inspect, "markcoroutinefunction", None)
    if mark is not None:
        mark(made)
    made._is_coroutine = AsyncioMark()
