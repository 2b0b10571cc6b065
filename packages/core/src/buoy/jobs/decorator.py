"""``@job``: makes a job class of a function."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, overload

from ..errors import ConfigurationError
from ..model.checks import expect, short_repr
from .job import Job, P, R
from .plugin import Plugin


class FunctionJob(Job, Generic[P, R]):
    """The base of classes that ``@job`` makes of functions. A call of the class calls the
    function."""

    def __new__(cls, *args: P.args, **kwargs: P.kwargs) -> R:  # type: ignore[misc]  # see above
        perform: Callable[P, R] = vars(cls)["perform"].__func__
        return perform(*args, **kwargs)

    if TYPE_CHECKING:  # each class brings its own

        def perform(self, *args: P.args, **kwargs: P.kwargs) -> R: ...


@overload
def job(function: Callable[P, R], /) -> type[FunctionJob[P, R]]: ...
@overload
def job(
    *,
    queue: str = "default",
    plugins: Iterable[Plugin] = (),
    name: str | None = None,
    max_length: int | None = None,
    timeout: float | None = None,
    max_memory: int | None = None,
    expires: float | None = None,
) -> Callable[[Callable[P, R]], type[FunctionJob[P, R]]]: ...
def job(
    function: Callable[..., Any] | None = None,
    /,
    *,
    queue: str = "default",
    plugins: Iterable[Plugin] = (),
    name: str | None = None,
    max_length: int | None = None,
    timeout: float | None = None,
    max_memory: int | None = None,
    expires: float | None = None,
) -> Any:
    """Make a job class of a function; the options are the attributes of ``Job``."""
    declared: dict[str, Any] = {"queue": queue, "plugins": plugins, "max_length": max_length}
    declared |= {"timeout": timeout, "max_memory": max_memory, "expires": expires}
    if name is not None:
        declared["name"] = name

    def decorate(function: Callable[..., Any]) -> type[FunctionJob[..., Any]]:
        title = class_title(function, name)
        body: dict[str, Any] = {
            "__module__": getattr(function, "__module__", None) or type(function).__module__,
            "__qualname__": title,
            "__doc__": function.__doc__,
            "perform": staticmethod(function),
        }
        return type(title.rpartition(".")[2], (FunctionJob,), body | declared)

    return decorate if function is None else decorate(function)


def class_title(function: Any, name: str | None) -> str:
    """Returns the name of the class for a function; raises ConfigurationError if it has no name and
    is given none."""
    right = callable(function) and not isinstance(function, type)
    expect(right, "job", "a function", function)
    title = getattr(function, "__qualname__", name)
    if not isinstance(title, str):
        raise ConfigurationError(
            f"job: expected a function with a name, got {short_repr(function)}; say name='...'"
        )
    return title
