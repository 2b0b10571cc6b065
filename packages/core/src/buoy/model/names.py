"""What can be the name of a queue, of a job class, or the id of a job."""

from typing import TypeGuard

from ..errors import ConfigurationError
from ..model.strict_json import is_line, plain_str
from .checks import expect


def is_queue(name: object) -> TypeGuard[str]:
    """Whether this can be the name of a queue."""
    return isinstance(name, str) and is_line(name) and not set(name) & set("{}*?[]!,:\t ")


def checked_queue(name: object) -> str:
    """The name, if it can be that of a queue."""
    if not is_queue(name):
        raise ConfigurationError(
            f"queue: expected a name without spaces and without any of {{}}*?[]!,: got {name!r:.80}"
        )
    return plain_str(name)


def checked_line(text: object, subject: str) -> str:
    """The text, if it can be the id of a job, or the name of a class."""
    expect(is_line(text), subject, "a non-empty text of one line", text)
    return plain_str(text)  # type: ignore[arg-type]  # it is a text
