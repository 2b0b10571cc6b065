"""Plugins are values on job classes: how they are merged, ordered and called."""

import os
import sys
from collections.abc import AsyncGenerator, Coroutine, Generator, Iterable
from dataclasses import dataclass
from functools import cache
from types import CoroutineType, GeneratorType, ModuleType
from typing import Any, NoReturn

import pluggy

from ..errors import PluginError, UnfinishedWork
from ..model.checks import short_repr
from .facts import Facts, facts
from .hookspecs import JobHooks, WorkerHooks, hookimpl

__all__ = ["Plugin", "Without", "hookimpl", "merged", "relay", "worker_relay"]


class Plugin:
    """Base of all plugins: an immutable, hashable value, best a frozen dataclass."""


@dataclass(frozen=True)
class Without(Plugin):
    """In ``plugins = [...]``: take away the inherited plugin of this type."""

    type: type[Plugin]

    def __post_init__(self) -> None:
        if not (isinstance(self.type, type) and issubclass(self.type, Plugin)):
            raise PluginError(f"Without: expected a class of plugins, got {self.type!r}")


def merged(declared: Iterable[tuple[str, Iterable[Any]]]) -> tuple[Plugin, ...]:
    """The plugins of a class from what its bases and itself declare, the farthest base first.

    One of the same type replaces the inherited one, whole, and takes its place.
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
                chosen[type(plugin)] = hashable(plugin, owner)
        check_single(owner, plugins)
    return tuple(chosen.values())


def listed(plugins: Any, owner: str) -> tuple[Any, ...]:
    """The plugins that a class lists: what can be gone through once only is kept."""
    if isinstance(plugins, Plugin):
        raise PluginError(f"{owner}.plugins: expected a list, got {plugins!r}; put [] around it")
    try:
        return tuple(plugins)
    except TypeError:
        raise PluginError(f"{owner}.plugins: expected a list, got {short_repr(plugins)}") from None


def check_single(owner: str, plugins: Iterable[Plugin]) -> None:
    """Raise PluginError if one list has two of a type: one of them would be lost."""
    seen: dict[type[Plugin], Plugin] = {}
    for plugin in plugins:
        first = seen.setdefault(type(plugin), plugin)
        if first is not plugin and not isinstance(plugin, Without):
            raise PluginError(
                f"{owner}.plugins: expected one {type(plugin).__name__} at most, "
                f"got {first!r} and {plugin!r}"
            )


def hashable(plugin: Plugin, owner: str) -> Plugin:
    try:
        hash(plugin)
    except TypeError as error:
        raise PluginError(
            f"{owner}.plugins: expected immutable values, got {plugin!r} ({error}); "
            "keep tuples in it, not lists, and freeze its dataclass"
        ) from None
    return plugin


class Core:
    """The innermost plugin of all: it calls ``perform``."""

    @staticmethod
    @hookimpl
    def around_perform(job: Any) -> Any:
        return performed(facts(job))


def performed(known: Facts) -> Any:
    """What ``perform`` returns, once it has really run to its end."""
    watched = known.seen is not None
    job = known.performing() if watched else known.new()
    args, kwargs = known.payload.arguments()
    before = generation[0]
    try:
        result = job.perform(*args, **kwargs)
        return result if type(result) in ENDED else ended(result)
    finally:
        if generation[0] != before:
            end_of_fork()
        if watched:
            known.has_performed(job)


generation = [0]
"""How many forks lie between the start of Python and this process: to ask the system costs more."""


def be_forked() -> None:
    generation[0] += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=be_forked)


def end_of_fork() -> NoReturn:
    """End the process that a job has forked and that came back as the job did: there it has
    neither plugins nor a worker."""
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(0)


ENDED = (type(None), bool, int, float, str, bytes, dict)
"""What most jobs return: values behind which no work is left."""


def ended(result: Any) -> Any:
    """What comes of what ``perform`` has returned: it is awaited where it must be."""
    if must_be_awaited(result):
        return to_the_end(awaited(result))
    return without_pending_work(result)


async def awaited(result: Any) -> Any:
    """The same, on an event loop."""
    while must_be_awaited(result):
        result = await (in_loop(result) if is_future(result) else result)
    return without_pending_work(result)


def must_be_awaited(result: Any) -> bool:
    if type(result) is GeneratorType:
        return bool(result.gi_code.co_flags & ITERABLE_COROUTINE)
    return hasattr(type(result), "__await__") or is_future(result)


def is_future(result: Any) -> bool:
    """Whether it is what an executor of threads, or processes, answers."""
    futures = sys.modules.get("concurrent.futures")
    return futures is not None and issubclass(type(result), futures.Future)


def in_loop(future: Any) -> Any:
    import asyncio  # loaded by now

    return asyncio.wrap_future(future)


ITERABLE_COROUTINE = 0x100
"""The mark of ``types.coroutine``; ``inspect``, which has a name for it, is slow to load."""


def without_pending_work(result: Any) -> Any:
    """The result, unless it would only do its work when somebody iterates over it."""
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
"""Of ``contextlib``, which is not loaded to ask this."""


def to_the_end(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine, also where an event loop runs already."""
    import asyncio  # 40 ms that a process without asynchronous jobs does not spend
    from concurrent.futures import ThreadPoolExecutor

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    # An inline job, enqueued on an event loop: that one cannot be entered a second time.
    with ThreadPoolExecutor(1) as other_thread:
        return other_thread.submit(asyncio.run, coroutine).result()


@cache
def relay(plugins: tuple[Plugin, ...]) -> Any:
    """The hook caller of one list of plugins; the first listed is outermost and asked first."""
    return registered(JobHooks, [Core, *reversed(plugins)], "a plugin of a job")


def worker_relay(modules: Iterable[ModuleType]) -> Any:
    """The hook caller of the app's own modules."""
    return registered(WorkerHooks, map(hooks_only, modules), "the module of an app")


def hooks_only(module: ModuleType) -> ModuleType:
    """Of a module what is marked as a hook. What else is there may not bear to be looked at: a
    proxy for what there is only in a request, for one."""
    marked = ModuleType(module.__name__)
    vars(marked).update({name: each for name, each in vars(module).items() if is_hook(each)})
    return marked


def is_hook(thing: object) -> bool:
    try:
        return type(getattr(thing, "buoy_impl", None)) is dict
    except BaseException:  # noqa: BLE001 - it may be anything
        return False


def registered(specs: type, sources: Iterable[object], kind: str) -> Any:
    manager = pluggy.PluginManager("buoy")
    manager.add_hookspecs(specs)
    try:
        for source in sources:
            manager.register(source)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        known = [name for name in vars(specs) if not name.startswith("_")]
        raise PluginError(
            f"{error.plugin!r}: expected hooks of {kind} ({', '.join(known)}), got: {error}"
        ) from error
    return manager.hook


def hook_names(plugin: Plugin) -> list[str]:
    """The hooks that a plugin implements, in the order of a job's life."""
    names = [name for name in vars(JobHooks) if not name.startswith("_")]
    return [name for name in names if hasattr(getattr(plugin, name, None), "buoy_impl")]
