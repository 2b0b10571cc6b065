"""Checks of job classes. They run when a class is made, so that mistakes do not first show in
jobs."""

import inspect
from functools import partial, partialmethod
from types import FunctionType
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError, PluginError
from ..model.checks import expect, short_repr
from ..model.limits import LIMITS, check_limit
from ..model.priority import check_level
from ..settings import HasSettings
from .facts import API
from .hookspecs import WorkerHooks
from .plugin import Plugin

if TYPE_CHECKING:
    from ..app import App

OVERRIDABLE = {
    *("app", "name", "queue", "plugins", "tags", "redact", "perform", "identify", "check_types"),
    "priority",
    *("progress", "aprogress", "cancelled", "acancelled"),
    *LIMITS,
}
"""Names of the API that classes may set, or use for something else."""
DERIVED = {
    "_declared",
    "_signature",
    "_identifies",
    "_awaits",
    "_removed",
    "_relay",
    "_codecs",
    "_redacts",
    "_usable",
    "_findable",
    "_made_in",
}
"""Names that buoy sets on each class."""

METHODS = (FunctionType, classmethod, staticmethod, partial, partialmethod)
HOOKS = (
    *("before_enqueue", "after_enqueue", "before_dequeue", "after_dequeue", "before_perform"),
    *("around_perform", "after_perform", "on_failure", "before_schedule", "after_schedule"),
    "before_delayed_enqueue",
)
"""Prefixes of the names of Resque's hooks, and of ours."""
OF_PLUGIN = (
    "expected hooks on a plugin, got one on a job class, where nobody calls it; move it to a "
    "plugin and list that: plugins = [...], see docs/hooks.md"
)
OF_WORKER = (
    "expected a function of the module that -a names, got a method of a job class, where nobody "
    "calls it; see docs/hooks.md"
)
OF_RETRY = (
    "expected an option of Retry, got one of a job class, where nobody reads it; say "
    "plugins = [Retry(...)], of buoy-retry"
)
OF_LONER = (
    "expected an option of Loner, got one of a job class, where nobody reads it; say "
    "plugins = [Loner(...)], of buoy-loner"
)
OF_NOBODY = (
    "expected an option of a plugin, got one of a job class, where nobody reads it; "
    "docs/writing-a-plugin.md has a plugin for this"
)
OWN_NAME = "expected a name that buoy does not use itself, got this one; choose another"
OPTIONS = {
    **dict.fromkeys(("retry_limit", "retry_delay", "retry_exceptions"), OF_RETRY),
    **dict.fromkeys(("retry_criteria_check", "retry_job_delegate"), OF_RETRY),
    **dict.fromkeys(("fatal_exceptions", "ignore_exceptions", "backoff_strategy"), OF_RETRY),
    **dict.fromkeys(("give_up_callback", "try_again_callback"), OF_RETRY),
    **dict.fromkeys(("loner_ttl", "loner_lock_after_execution_period"), OF_LONER),
    **dict.fromkeys(("lonely", "lock_timeout"), OF_LONER),
    "throttle": OF_NOBODY,
}
"""Options of Resque's plugins, which its users write on the class -> what to write instead."""


# Names


def check_names(job: type, root: type) -> None:
    """Raise ConfigurationError for an attribute that hides an attribute of buoy, or that buoy never
    reads."""
    hides = True
    for owner in job.__mro__:
        hides = hides and owner is not root
        if is_subclass(root, owner) or (owner is not job and is_subclass(owner, root)):
            continue  # job classes have been looked at when they were made
        made = DERIVED if is_copy(owner) else set()
        for name, value in vars(owner).items():
            hidden = hides and name in API - OVERRIDABLE - made
            reason = OWN_NAME if hidden else ignored_reason(name, value)
            if reason is not None:
                by = "" if owner is job else f", of its base {owner.__qualname__}"
                raise ConfigurationError(f"{job.__qualname__}.{name}{by}: {reason}")


def is_subclass(one: type, other: type) -> bool:
    """Whether a class is another one or has it as a base, whatever their metaclasses say."""
    return type.__subclasscheck__(other, one)


def is_copy(owner: type) -> bool:
    """Whether a class is a copy of a job class, such as dataclass(slots=True) makes."""
    return {"_declared", "_identifies", "_relay", "_usable"} <= vars(owner).keys()


def ignored_reason(name: str, value: object) -> str | None:
    """Returns why an attribute would be ignored, and where it belongs; None if it is not
    ignored."""
    if issubclass(type(value), METHODS):  # not isinstance: a proxy would look for its target
        if name in vars(WorkerHooks):
            return OF_WORKER
        if hasattr(value, "buoy_impl") or any(f"{name}_".startswith(f"{hook}_") for hook in HOOKS):
            return OF_PLUGIN
    return OPTIONS.get(name)


def check_bases(job: type) -> None:
    """Raise PluginError for a plugin among the bases of a class, where Resque's plugins are."""
    for base in job.__bases__:
        if issubclass(base, Plugin):
            raise PluginError(
                f"{job.__qualname__}: expected plugins in a list, got {base.__qualname__} as a "
                f"base; say plugins = [{base.__qualname__}()]"
            )


def check_own_app(job: Any) -> None:
    """Raise ConfigurationError if a class sets ``app`` to anything but an App."""
    if "app" in vars(job):
        app_of(job)


def app_of(job: Any) -> "App":
    """Returns the app of a class; raises ConfigurationError if it is no App. It may be set after
    the class was made."""
    if not isinstance(job.app, HasSettings):
        expect(False, f"{job.__qualname__}.app", "an App of buoy", job.app)
    if not hasattr(job, "name"):
        expect(False, job.__qualname__, "a class of its own with perform", job)
    app: App = job.app
    return app


# Limits


def check_limits(job: Any) -> None:
    """Raise ConfigurationError for a limit that is no positive number, or is too large for Redis;
    and for a switch that is none."""
    for limit in LIMITS:
        check_limit(limit, getattr(job, limit), f"{job.name}.{limit}")
    check_level(job.priority, f"{job.name}.priority")
    right = isinstance(job.check_types, bool)
    expect(right, f"{job.name}.check_types", "True or False", job.check_types)


# Perform


def check_perform(job: Any) -> None:
    """Raise ConfigurationError for a ``perform`` that cannot be called, or that is a generator."""
    found = inspect.getattr_static(job, "perform")
    right = callable(job.perform) and not isinstance(found, type)
    expect(right, f"{job.name}.perform", "a method", found)
    expect(has_signature(job.perform), f"{job.name}.perform", "a method with a signature", found)
    if is_generator(found):
        raise ConfigurationError(
            f"{job.name}.perform: expected a method that runs to its end, got a generator, of "
            "which a call runs nothing; do its work without yield, or call it in perform: "
            "for _ in steps(): pass"
        )


def check_identify(job: Any) -> None:
    """Raise ConfigurationError for an ``identify`` that cannot be called on the class."""
    found = inspect.getattr_static(job, "identify")
    right = isinstance(found, (classmethod, staticmethod))
    expect(right, f"{job.name}.identify", "a @classmethod", found)


def has_signature(method: Any) -> bool:
    try:
        inspect.signature(method)
    except (TypeError, ValueError):
        return False
    return True


def is_generator(method: Any) -> bool:
    """Whether a call of the method only makes a generator; looks through wrappers."""
    for _ in range(LAYERS):
        if inspect.isasyncgenfunction(method) or makes_generator(method):
            return True
        method = wrapped_callable(method)
    return False


def makes_generator(method: Any) -> bool:
    code = getattr(method, "__code__", None)
    awaited = code is not None and bool(code.co_flags & inspect.CO_ITERABLE_COROUTINE)
    return inspect.isgeneratorfunction(method) and not awaited


LAYERS = 20
"""The number of wrappers that are looked through; a mock has endlessly many."""


def wrapped_callable(method: Any) -> Any:
    """Returns the callable that a wrapper calls; None if the wrapper does not show it."""
    for name in ("__wrapped__", "__func__", "func"):
        found = attribute_or_none(method, name)
        if callable(found):
            return found
    own = vars(type(method)).get("__call__")
    return own if isinstance(own, FunctionType) else None


def attribute_or_none(value: Any, name: str) -> Any:
    """Returns an attribute; None if there is none, or if reading it raises an error."""
    try:
        return getattr(value, name, None)
    except Exception:  # noqa: BLE001 - a property may raise anything
        return None


# Whether there can be a job of it


def check_usable(job: Any) -> None:
    """Raise ConfigurationError if no job of the class can be made.

    A class that was unusable when it was made may have got its missing methods since.
    """
    reason = unusable_reason(job)
    if reason is not None:
        raise ConfigurationError(f"{job.__qualname__}: {reason}")
    job._usable = job


def unusable_reason(job: Any) -> str | None:
    """Returns why no job of a class can be made; None if jobs can be made."""
    if not isinstance(job, type):
        return f"expected a job class, got {short_repr(job)}"
    if "_declared" not in vars(job):
        return (
            "expected __init_subclass__ to pass on its arguments, got one that does not; "
            "let it call super().__init_subclass__(**kwargs)"
        )
    if not hasattr(job, "perform"):
        return "expected a job class with perform, got none"
    missing = abstract_methods(job)
    if missing:
        return (
            f"expected a class with all its methods, got an abstract one without "
            f"{', '.join(missing)}; enqueue a subclass that has them"
        )
    return None


def abstract_methods(job: type) -> list[str]:
    """Returns the names of methods that subclasses must define. ``abc`` does not know them yet when
    this is called."""
    declared = [name for owner in reversed(job.__mro__) for name in abstract_in(owner)]
    return [name for name in dict.fromkeys(declared) if name in abstract_in(owner_of(job, name))]


def abstract_in(owner: type) -> list[str]:
    return [
        name
        for name, value in vars(owner).items()
        if hasattr(type(value), "__get__") and getattr(value, "__isabstractmethod__", 0) is True
    ]


def owner_of(job: type, name: str) -> type:
    return next(owner for owner in job.__mro__ if name in vars(owner))
