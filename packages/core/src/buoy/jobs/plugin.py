"""Plugins are values on job classes, or app-wide. This file merges them, and calls ``perform``
inside of them all."""

import os
import sys
from collections.abc import AsyncGenerator, Coroutine, Generator, Iterable
from dataclasses import dataclass
from types import CoroutineType, GeneratorType
from typing import Any, NoReturn

from ..errors import PluginError, UnfinishedWork
from ..model.checks import short_repr
from .current import Run, process
from .facts import Facts
from .next_job import begin_next


class Plugin:
    """The base of all plugins. A plugin is an immutable, hashable value, best a frozen
    dataclass."""


@dataclass(frozen=True)
class Without(Plugin):
    """In ``plugins = [...]``: remove the inherited plugin of this type."""

    type: type[Plugin]

    def __post_init__(self) -> None:
        if not (isinstance(self.type, type) and issubclass(self.type, Plugin)):
            raise PluginError(f"Without: expected a class of plugins, got {self.type!r}")


def merge_plugins(declared: Iterable[tuple[str, Iterable[Any]]]) -> tuple[Plugin, ...]:
    """Returns the plugins of a class: those of its bases, merged with its own, in this order.

    A plugin replaces an inherited one of the same type, at the same position. Raises PluginError.
    """
    chosen: dict[type[Plugin], Plugin] = {}
    for owner, plugins in declared:
        for plugin in plugins:
            if not isinstance(plugin, Plugin):
                raise PluginError(
                    f"{owner}.plugins: expected values like Retry(), got {plugin!r}"
                    + ("; call it: add ()" if isinstance(plugin, type) else "")
                )
            if isinstance(plugin, Without):
                chosen.pop(plugin.type, None)
            else:
                chosen[type(plugin)] = checked_hashable(plugin, owner)
        check_single(owner, plugins)
    return tuple(chosen.values())


def declared_plugins(job: type) -> tuple[tuple[Plugin, ...], frozenset[type[Plugin]]]:
    """Returns the plugins of a class and its bases, and the types that one of them removes."""
    lists = [(base.__qualname__, vars(base).get("plugins", ())) for base in reversed(job.__mro__)]
    merged = merge_plugins(lists)
    listed = [plugin for _, plugins in lists for plugin in plugins]
    return merged, frozenset(each.type for each in listed if isinstance(each, Without))


def plugins_in_force(
    app_wide: tuple[Plugin, ...], declared: tuple[Plugin, ...], removed: frozenset[type[Plugin]]
) -> tuple[Plugin, ...]:
    """Returns the plugins of a class with the app-wide ones in front.

    A plugin of the class replaces an app-wide one of the same type, at its position.
    """
    if not app_wide:
        return declared
    chosen = {type(plugin): plugin for plugin in app_wide if type(plugin) not in removed}
    return tuple((chosen | {type(plugin): plugin for plugin in declared}).values())


def plugin_tuple(plugins: Any, owner: str) -> tuple[Any, ...]:
    """Returns the plugins that a class lists, as a tuple; raises PluginError for no list."""
    if isinstance(plugins, Plugin):
        raise PluginError(f"{owner}.plugins: expected a list, got {plugins!r}; put [] around it")
    try:
        return tuple(plugins)
    except TypeError:
        raise PluginError(f"{owner}.plugins: expected a list, got {short_repr(plugins)}") from None


def check_single(owner: str, plugins: Iterable[Plugin]) -> None:
    """Raise PluginError if one list has two plugins of a type: one of them would be lost."""
    seen: dict[type[Plugin], Plugin] = {}
    for plugin in plugins:
        first = seen.setdefault(type(plugin), plugin)
        if first is not plugin and not isinstance(plugin, Without):
            raise PluginError(
                f"{owner}.plugins: expected one {type(plugin).__name__} at most, "
                f"got {first!r} and {plugin!r}"
            )


def checked_hashable(plugin: Plugin, owner: str) -> Plugin:
    """Returns the plugin; raises PluginError if it is not hashable."""
    try:
        hash(plugin)
    except TypeError as error:
        raise PluginError(
            f"{owner}.plugins: expected immutable values, got {plugin!r} ({error}); "
            "keep tuples in it, not lists, and freeze its dataclass"
        ) from None
    return plugin


def call_perform(known: Facts) -> Any:
    """Call ``perform``, await its result if it must be awaited, and return that."""
    watched = known.seen is not None
    job = known.performing() if watched else known.new()
    args, kwargs = known.arguments() if known.is_typed else known.payload.arguments()
    before, known.performer = fork_count[0], job
    run = None if known is process.job else Run(job)
    try:
        following = begin_next(known) if known.payload.chain else None
        result = job.perform(*args, **kwargs)
        result = result if type(result) in FINISHED_TYPES else finish_result(result)
        if following is not None:
            following.enqueue(result)
        return result
    finally:
        known.performer = None
        if run is not None:
            run.end()
        if fork_count[0] != before:
            end_forked_process()
        if watched:
            known.has_performed(job)


fork_count = [0]
"""The number of forks between the start of Python and this process. ``os.getpid`` costs more."""


def count_fork() -> None:
    fork_count[0] += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=count_fork)


def end_forked_process() -> NoReturn:
    """End a process that a job has forked and that has returned from ``perform``, as the job itself
    does: it must not settle the job a second time."""
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(0)


FINISHED_TYPES = (type(None), bool, int, float, str, bytes, dict)
"""Types of results that need not be awaited; most jobs return one of these."""


def finish_result(result: Any) -> Any:
    """Returns the result of ``perform``, awaited if it must be; raises UnfinishedWork."""
    if must_be_awaited(result):
        return run_coroutine(await_result(result))
    return without_pending_work(result)


async def await_result(result: Any) -> Any:
    """Returns the result of ``perform``, awaited on this event loop; raises UnfinishedWork."""
    while must_be_awaited(result):
        result = await (future_in_loop(result) if is_future(result) else result)
    return without_pending_work(result)


def must_be_awaited(result: Any) -> bool:
    if type(result) is GeneratorType:
        return bool(result.gi_code.co_flags & ITERABLE_COROUTINE)
    return hasattr(type(result), "__await__") or is_future(result)


def is_future(result: Any) -> bool:
    """Whether a result is a future of a pool of threads or processes."""
    futures = sys.modules.get("concurrent.futures")
    return futures is not None and issubclass(type(result), futures.Future)


def future_in_loop(future: Any) -> Any:
    import asyncio  # it is loaded by now

    return asyncio.wrap_future(future)


ITERABLE_COROUTINE = 0x100
"""The flag that ``types.coroutine`` sets. ``inspect`` names it, but is slow to load."""


def without_pending_work(result: Any) -> Any:
    """Returns the result; raises UnfinishedWork for one that does its work only when it is
    iterated."""
    kind = type(result)
    if kind in (list, tuple) and result and type(result[0]) is CoroutineType:
        raise UnfinishedWork(
            f"perform returned a {kind.__name__} of coroutines, of which nothing has run: await "
            "each in perform, for example with asyncio.gather(*...)"
        )
    if issubclass(kind, LAZY) or kind.__module__ == "itertools" or kind.__name__ in CONTEXTS:
        raise UnfinishedWork(
            f"perform returned {kind.__name__!r}, of which nothing has run: expected a "
            "value, or something to await; do the work in perform, for example with list(...)"
        )
    return result


LAZY = (Generator, AsyncGenerator, map, filter, zip, enumerate)
CONTEXTS = ("_GeneratorContextManager", "_AsyncGeneratorContextManager")
"""Types of ``contextlib``, by name: it need not be loaded for this."""


def run_coroutine(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine and return its result, also while an event loop runs in this thread."""
    import asyncio  # takes 40 ms to load, and only asynchronous jobs need it
    from concurrent.futures import ThreadPoolExecutor

    # Not within a handler of errors: the errors of the job would be shown with the one handled.
    if not is_on_loop():
        return asyncio.run(coroutine)
    # An inline job was enqueued on an event loop, which cannot run another coroutine to its end.
    with ThreadPoolExecutor(1) as other_thread:
        return other_thread.submit(asyncio.run, coroutine).result()


def is_on_loop() -> bool:
    """Whether an event loop runs in this thread."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
