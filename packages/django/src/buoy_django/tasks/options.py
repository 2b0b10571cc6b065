"""The ``OPTIONS`` of a backend."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from buoy import Plugin

EXAMPLES = {
    "result_ttl": "seconds, more than 0",
    "plugins": "a list of plugins such as [Retry(limit=3)]",
    "timeout": "seconds, more than 0, or None",
}


@dataclass(frozen=True)
class TaskOptions:
    """What the jobs of tasks have in common. Times in seconds."""

    result_ttl: float = 86_400
    plugins: tuple[Plugin, ...] = ()
    timeout: float | None = None

    @classmethod
    def parse(cls, alias: str, given: Mapping[str, Any]) -> "TaskOptions":
        """Returns the options of the backend ``alias``; raises ImproperlyConfigured."""
        known = {field.name.upper() for field in fields(cls)}
        for name, value in given.items():
            if name not in known:
                raise wrong(alias, f"expected {', '.join(sorted(known))}", name)
            if not is_valid(name.lower(), value):
                raise wrong(f"{alias}[{name!r}]", f"expected {EXAMPLES[name.lower()]}", value)
        values = {name.lower(): value for name, value in given.items()}
        return cls(**values | {"plugins": tuple(values.get("plugins", ()))})


def is_valid(name: str, value: Any) -> bool:
    if name == "plugins":
        return isinstance(value, list | tuple) and all(isinstance(each, Plugin) for each in value)
    if name == "timeout" and value is None:
        return True
    return type(value) in (int, float) and 0 < value < 10**9


def wrong(place: str, expected: str, value: Any) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"TASKS: OPTIONS of {place}: {expected}, got {value!r:.80}")
