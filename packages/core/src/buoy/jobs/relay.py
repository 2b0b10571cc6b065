"""Calls the hooks of plugins, and of the modules of an app."""

from collections.abc import Iterable, Sequence
from functools import cache
from types import ModuleType
from typing import Any

import pluggy

from ..errors import PluginError
from .event import Event, event_or_none
from .facts import facts
from .hookspecs import JobHooks, WorkerHooks, hookimpl
from .plugin import Plugin, call_perform

SPECS = (JobHooks, WorkerHooks)


class Core:
    """The innermost plugin of each class: it calls ``perform``."""

    @staticmethod
    @hookimpl
    def around_perform(job: Any) -> Any:
        return call_perform(facts(job))


class Relay:
    """Calls the hooks of these plugins. The first plugin is outermost and is asked first.

    A hook that none of them implements is None, so that it costs nothing.
    """

    __slots__ = (
        *("after_enqueue", "after_reserve", "after_run", "around_perform", "before_enqueue"),
        *("before_exit", "before_run", "callers", "codec_for", "has_events", "keep_progress"),
        *("on_failure", "plugins", "sealer"),
    )

    def __init__(self, plugins: tuple[Plugin, ...]) -> None:
        self.plugins = plugins
        self.callers = hook_callers(SPECS, plugins, "a plugin", Core)
        self.before_enqueue = self.decision("before_enqueue")
        self.codec_for = self.decision("codec_for")
        self.sealer = self.decision("sealer")
        self.around_perform = self.decision("around_perform")
        self.keep_progress = self.decision("keep_progress")
        self.on_failure = self.decision("on_failure")
        self.after_enqueue = event_or_none("after_enqueue", self.implementations("after_enqueue"))
        self.after_reserve = event_or_none("after_reserve", self.implementations("after_reserve"))
        self.before_run = event_or_none("before_run", self.implementations("before_run"))
        self.after_run = event_or_none("after_run", self.implementations("after_run"))
        self.before_exit = event_or_none("before_exit", self.implementations("before_exit")[::-1])
        events = (self.after_reserve, self.before_run, self.after_run, self.before_exit)
        self.has_events = any(each is not None for each in events)
        """Whether one of them is told of a run, or of the end of its child."""

    def decision(self, hook: str) -> Any:
        """Returns pluggy's caller of a hook; None if no plugin implements it."""
        caller = getattr(self.callers, hook)
        has_some = any(each.plugin is not Core for each in caller.get_hookimpls())
        return caller if has_some else None

    def implementations(self, hook: str) -> list[Any]:
        """Returns the implementations of a hook, that of the first plugin first."""
        return list(getattr(self.callers, hook).get_hookimpls()[::-1])


@cache
def relay(plugins: tuple[Plugin, ...]) -> Relay | None:
    """Returns the caller of the hooks of these plugins; None if there are none. Raises PluginError
    for a hook that there is not."""
    return Relay(plugins) if plugins else None


class WorkerRelay:
    """Calls the hooks of a worker's life: those of app-wide plugins, and of the modules of an app.

    At a beginning the plugins come first, in their order, and the modules then; at an end it is the
    other way round. So a plugin sees all that the modules do. ``of_jobs`` calls the hooks of the
    app-wide plugins about jobs; None if there are none.
    """

    def __init__(self, modules: Iterable[ModuleType], plugins: tuple[Plugin, ...] = ()) -> None:
        self.of_jobs = relay(plugins)
        self.callers = hook_callers(
            (WorkerHooks,), map(hooks_only, modules), "the module of an app"
        )
        self.worker_started = Event("worker_started", self.from_outside("worker_started"), ())
        self.worker_stopping = Event("worker_stopping", self.from_outside("worker_stopping")[::-1])
        self.before_fork = event_or_none("before_fork", self.from_outside("before_fork")[::-1])
        after_fork = self.from_outside("after_fork")
        self.after_fork = Event("after_fork", after_fork, ()) if after_fork else None
        self.before_exit = event_or_none("before_exit", self.of_modules("before_exit")[::-1])
        """That of the modules alone: the plugins of a job's class may differ from these."""

    @property
    def has_some_for_children(self) -> bool:
        """Whether some of the hooks may be called in a child."""
        return any(each is not None for each in (self.of_jobs, self.after_fork, self.before_exit))

    def of_modules(self, hook: str) -> list[Any]:
        return list(getattr(self.callers, hook).get_hookimpls()[::-1])

    def from_outside(self, hook: str) -> list[Any]:
        """Returns the implementations of a hook, those of the plugins first."""
        plugins = [] if self.of_jobs is None else self.of_jobs.implementations(hook)
        return plugins + self.of_modules(hook)


def hooks_only(module: ModuleType) -> ModuleType:
    """Returns a module with only the hooks of a module. pluggy reads all attributes, and some of
    them may raise errors: a proxy that works only in a web request, for example."""
    marked = ModuleType(module.__name__)
    vars(marked).update({name: each for name, each in vars(module).items() if is_hook(each)})
    return marked


def is_hook(thing: object) -> bool:
    try:
        return type(getattr(thing, "buoy_impl", None)) is dict
    except BaseException:  # noqa: BLE001 - an attribute of it may raise anything
        return False


def hook_callers(
    specs: Sequence[type], sources: Iterable[object], kind: str, *innermost: object
) -> Any:
    """Returns pluggy's callers of the hooks in ``sources``, the first one asked first; raises
    PluginError for unknown hooks."""
    manager = pluggy.PluginManager("buoy")
    for spec in specs:
        manager.add_hookspecs(spec)
    try:
        for source in (*innermost, *reversed(tuple(sources))):
            manager.register(source)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        known = [name for spec in specs for name in vars(spec) if not name.startswith("_")]
        raise PluginError(
            f"{error.plugin!r}: expected hooks of {kind} ({', '.join(known)}), got: {error}"
        ) from error
    return manager.hook


def hook_names(plugin: Plugin) -> list[str]:
    """Returns the names of the hooks that a plugin implements, in the order of a job's life; then
    those of a worker's life."""
    names = [name for spec in SPECS for name in vars(spec) if not name.startswith("_")]
    return [name for name in names if hasattr(getattr(plugin, name, None), "buoy_impl")]
