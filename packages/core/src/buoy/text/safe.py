"""Text of objects whose classes may do anything: nothing here raises, or returns what UTF-8 cannot
hold."""

from collections.abc import Callable

MESSAGE_LIMIT = 4_000
"""Characters of an error's message, at most, about."""

qualname_of = type.__dict__["__qualname__"].__get__
module_of = type.__dict__["__module__"].__get__
"""Read the attributes of ``type``, also where a metaclass redefines these names."""


def summarize_error(error: BaseException) -> str:
    """The type and the message of an error: ``KeyError: 'x'``."""
    return f"{type_name(type(error))}: {error_message(error)}"


def error_message(error: BaseException) -> str:
    """The message of an error, shortened to MESSAGE_LIMIT."""
    return shorten(safe_text(lambda: str(error)))


def type_name(kind: type) -> str:
    """The name of a class with its module; without it for built-in classes."""
    name, module = safe_text(lambda: qualname_of(kind)), module_of(kind)
    if not issubclass(type(module), str) or module in ("builtins", "__main__"):
        return name
    return safe_text(lambda: f"{module}.{name}")


def safe_text(text: Callable[[], str]) -> str:
    """Returns the text that a function returns; escapes characters that UTF-8 cannot hold. If the
    function raises, returns a text that says so."""
    try:
        return str.encode(text(), errors="backslashreplace").decode()
    except BaseException as second:  # noqa: BLE001 - the text is for a message about another error
        return f"(cannot be shown: {type.__dict__['__name__'].__get__(type(second))})"


def shorten(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """The text. If it has more characters than the limit, its middle is replaced by a note."""
    if len(text) <= limit:
        return text
    return (
        f"{text[: limit // 2]}\n… {len(text) - limit} characters left out …\n{text[-limit // 2 :]}"
    )
