"""Job classes made of functions."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, overload

from .job import Job, P, R
from .plugin import Plugin


class FunctionJob(Job, Generic[P, R]):
    """The job class that ``@job`` makes of a function. Calling it calls the function."""

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
        body: dict[str, Any] = {
            "__module__": function.__module__,
            "__qualname__": function.__qualname__,
            "__doc__": function.__doc__,
            "perform": staticmethod(function),
        }
        return type(function.__name__, (FunctionJob,), body | declared)

    return decorate if function is None else decorate(function)
