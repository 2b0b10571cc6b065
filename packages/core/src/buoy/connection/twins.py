"""Methods that are written once, as steps, and called both by programs that block and by those
that await.

    @blocking
    def find(self, id: str) -> RedisSteps[JobView | None]: ...

    afind = awaiting(find)

``find`` then takes the steps in the thread of the caller, and ``await afind(...)`` on its event
loop. Other steps contain these by ``yield from steps_of(self.find, id)``. A function can be
decorated, too, if its first argument is such an object.
"""

import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, get_args

from ..errors import BrokerError
from .client import RedisSteps, Step

P = ParamSpec("P")
T = TypeVar("T")
U = TypeVar("U")
Owner = TypeVar("Owner", bound="TakesSteps")


class TakesSteps(Protocol):
    """An object that can take steps in both ways: an app, or a part of it."""

    def run_steps(self, steps: RedisSteps[T]) -> T: ...
    async def arun_steps(self, steps: RedisSteps[T]) -> T: ...


def blocking(
    steps: Callable[Concatenate[Owner, P], RedisSteps[T]],
) -> Callable[Concatenate[Owner, P], T]:
    """Decorates a method that is written as steps: it takes them in the thread of the caller."""

    @wraps(steps)
    def method(owner: Owner, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return owner.run_steps(steps(owner, *args, **kwargs))

    return returning(result_of, method)


def awaiting(
    method: Callable[Concatenate[Owner, P], T],
) -> Callable[Concatenate[Owner, P], Coroutine[Any, Any, T]]:
    """Makes the twin of a blocking method: it awaits the steps."""
    steps: Callable[Concatenate[Owner, P], RedisSteps[T]] = written_steps(method)

    @wraps(steps)
    async def twin(owner: Owner, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await owner.arun_steps(steps(owner, *args, **kwargs))

    return named_twin(returning(result_of, twin))


# Functions that find out themselves to what their steps go


def blocking_call(call: Callable[P, tuple[TakesSteps, RedisSteps[T]]]) -> Callable[P, T]:
    """Decorates a function that returns an app, or a part of it, and steps: it takes them there."""

    @wraps(call)
    def function(*args: P.args, **kwargs: P.kwargs) -> T:
        owner, steps = call(*args, **kwargs)
        return owner.run_steps(steps)

    return returning(lambda pair: result_of(get_args(pair)[1]), function)


def awaiting_call(function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Makes the twin of such a function: it awaits the steps."""
    call: Callable[P, tuple[TakesSteps, RedisSteps[T]]] = written_steps(function)

    @wraps(call)
    async def twin(*args: P.args, **kwargs: P.kwargs) -> T:
        owner, steps = call(*args, **kwargs)
        return await owner.arun_steps(steps)

    return named_twin(returning(lambda pair: result_of(get_args(pair)[1]), twin))


def steps_of(method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> RedisSteps[T]:
    """Returns the steps of a call of a blocking method, for ``yield from`` in other steps."""
    steps: RedisSteps[T] = call_of(method)(*args, **kwargs)
    return steps


# Methods that find many things, page by page


class Page(list[T]):
    """Some of the things that a method finds."""


PageSteps = Generator[Step | Page[T], Any, None]
"""Steps that yield pages of results, too."""


def blocking_pages(
    steps: Callable[Concatenate[Owner, P], PageSteps[T]],
) -> Callable[Concatenate[Owner, P], Iterator[T]]:
    """Decorates a method that is written as steps with pages: it iterates over what they hold."""

    @wraps(steps)
    def method(owner: Owner, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return each_of(owner, steps(owner, *args, **kwargs))

    return returning(lambda steps: Iterator[thing_of(steps)], method)  # type: ignore[misc]


def each_of(owner: TakesSteps, pages: PageSteps[T]) -> Iterator[T]:
    """Iterates over what the pages hold, and takes the steps between them."""
    while (page := owner.run_steps(next_page(pages))) is not None:
        yield from page


def awaiting_pages(
    method: Callable[Concatenate[Owner, P], Iterator[T]],
) -> Callable[Concatenate[Owner, P], AsyncIterator[T]]:
    """Makes the twin of such a method, for ``async for``."""
    steps: Callable[Concatenate[Owner, P], PageSteps[T]] = written_steps(method)

    @wraps(steps)
    def twin(owner: Owner, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return aeach_of(owner, steps(owner, *args, **kwargs))

    return named_twin(
        returning(lambda steps: AsyncIterator[thing_of(steps)], twin)  # type: ignore[misc]
    )


async def aeach_of(owner: TakesSteps, pages: PageSteps[T]) -> AsyncIterator[T]:
    """Iterates over what the pages hold, and awaits the steps between them."""
    while (page := await owner.arun_steps(next_page(pages))) is not None:
        for each in page:
            yield each


def pages_of(method: Callable[P, Iterator[T]], *args: P.args, **kwargs: P.kwargs) -> PageSteps[T]:
    """Returns the steps with pages of a call of such a method, for ``yield from`` in others."""
    pages: PageSteps[T] = call_of(method)(*args, **kwargs)
    return pages


def all_of(pages: PageSteps[T]) -> RedisSteps[list[T]]:
    """Returns what all pages hold."""
    found: list[T] = []
    while (page := (yield from next_page(pages))) is not None:
        found += page
    return found


def map_pages(change: Callable[[Page[T]], Iterable[U]], pages: PageSteps[T]) -> PageSteps[U]:
    """Yields each page as ``change`` returns it."""
    while (page := (yield from next_page(pages))) is not None:
        yield Page(change(page))


def first_of(pages: PageSteps[T], count: int) -> RedisSteps[list[T]]:
    """Returns the first ``count`` things; no page after them is read."""
    found: list[T] = []
    while len(found) < count and (page := (yield from next_page(pages))) is not None:
        found += page
    return found[:count]


def merge_pages(sources: Iterable[PageSteps[T]], key: Callable[[T], float]) -> PageSteps[T]:
    """Yields in the order of their keys what sources yield, each of which has that order."""
    waiting: list[tuple[PageSteps[T], list[T]]] = [(source, []) for source in sources]
    while waiting:
        read = []
        for source, rest in waiting:
            page: list[T] | None = rest
            while page == []:
                page = yield from next_page(source)
            if page is not None:
                read.append((source, page))
        # What a source yields later has no lesser key than the last thing of its page.
        until = min((key(page[-1]) for _, page in read), default=0.0)
        yield Page(sorted((e for _, page in read for e in page if key(e) <= until), key=key))
        waiting = [(source, [e for e in page if key(e) > until]) for source, page in read]


def next_page(pages: PageSteps[T]) -> RedisSteps[Page[T] | None]:
    """Takes the steps up to the next page, and returns it; None if there is no other."""
    try:
        step = next(pages)
        while not isinstance(step, Page):
            try:
                answer = yield step
            except BrokerError as error:
                step = pages.throw(error)
            else:
                step = pages.send(answer)
    except StopIteration:
        return None
    return step


# What a method and its twin are for tools, such as ``help``


def returning(returned: Callable[[Any], Any], method: Callable[P, T]) -> Callable[P, T]:
    """Gives a method that wraps steps the type that it returns: ``returned`` of that of the
    steps."""
    signature = inspect.signature(method)
    if signature.return_annotation is not signature.empty:
        annotation = returned(signature.return_annotation)
        method.__signature__ = signature.replace(  # type: ignore[attr-defined]
            return_annotation=annotation
        )
        method.__annotations__ = {**method.__annotations__, "return": annotation}
    return method


def result_of(steps: Any) -> Any:
    """Returns the type of what steps return, by the type of the steps."""
    if isinstance(steps, str):
        return steps.removeprefix("RedisSteps[").removesuffix("]")
    return get_args(steps)[-1]


def thing_of(steps: Any) -> Any:
    """Returns the type of the things in the pages of such steps."""
    return get_args(get_args(get_args(steps)[0])[-1])[0]


# How a method and its twin are found


def written_steps(method: Any) -> Any:
    """Returns the function that was decorated."""
    return method.__wrapped__


def call_of(method: Any) -> Any:
    """Returns the function that was decorated; of a bound method, bound to the same object."""
    if not hasattr(method, "__func__"):
        return written_steps(method)
    return written_steps(method.__func__).__get__(method.__self__)


def named_twin(twin: Callable[P, T]) -> Callable[P, T]:
    """Gives a twin its name: "a" before that of the method."""
    name, doc = twin.__name__, twin.__doc__
    twin.__qualname__ = f"{twin.__qualname__.removesuffix(name)}a{name}"
    twin.__name__ = f"a{name}"
    twin.__doc__ = f"{doc}\n\nThis is ``{name}`` for programs that await."
    return twin
