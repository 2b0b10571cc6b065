"""Which job class has which name: a name from Redis is only ever looked up here."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ConfigurationError, UnknownJob

if TYPE_CHECKING:
    from .job import Job

registry: dict[str, "type[Job]"] = {}
aside: dict[str, str] = {}
"""Names of classes that are loaded, but not to be run here, and why."""


def register(job: "type[Job]") -> None:
    """Make the class findable by its name; a name belongs to one class."""
    known = registry.get(job.name)
    if known and (known.__module__, known.__qualname__) != (job.__module__, job.__qualname__):
        raise ConfigurationError(
            f"{job.__module__}.{job.__qualname__}.name: expected a name of its own, got "
            f"{job.name!r}, which is that of {known.__module__}.{known.__qualname__}"
        )
    registry[job.name] = job


def set_aside(job: "type[Job]", why: str) -> None:
    """Let no job of that class run in this process."""
    registry.pop(job.name, None)
    aside[job.name] = why


def named(name: str) -> "type[Job]":
    """The job class of that name, if the app has imported it."""
    try:
        return registry[name]
    except KeyError:
        if name in aside:
            raise UnknownJob(f"job class {name!r} is not served here: {aside[name]}") from None
        raise UnknownJob(
            f"no job named {name!r}: expected one of the {len(registry)} job classes that the app "
            "has imported; import its module in what -a names, then retry the job"
        ) from None


def module_of(cls: type) -> str:
    """The module by which other processes import the class, also when it now runs as a script."""
    if cls.__module__ != "__main__":
        return cls.__module__
    main = sys.modules["__main__"]
    if getattr(main, "__spec__", None) is not None:
        return str(main.__spec__.name).removesuffix(".__main__")  # type: ignore[union-attr]
    return Path(getattr(main, "__file__", None) or "__main__").stem
