"""Checks of the names of queues and job classes, and of ids."""

from typing import TypeGuard

from ..errors import ConfigurationError
from ..model.strict_json import builtin_str, is_line
from .checks import expect

NOT_IN_QUEUES = frozenset("{}*?[]!,:\t ")
"""Characters that names of queues do not have."""


def is_queue(name: object) -> TypeGuard[str]:
    """Whether a value can be the name of a queue."""
    return isinstance(name, str) and is_line(name) and NOT_IN_QUEUES.isdisjoint(name)


def checked_queue(name: object) -> str:
    """The name as a ``str``; raises ConfigurationError if it cannot be the name of a queue."""
    if not is_queue(name):
        raise ConfigurationError(
            f"queue: expected a name without spaces and without any of {{}}*?[]!,: got {name!r:.80}"
        )
    return builtin_str(name)


def checked_line(text: object, subject: str) -> str:
    """The text as a ``str``; raises ConfigurationError unless it is one line and not empty.

    ``subject`` names it in the error.
    """
    expect(is_line(text), subject, "a non-empty text of one line", text)
    return builtin_str(text)  # type: ignore[arg-type]  # it is a text
