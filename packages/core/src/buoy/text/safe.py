"""What can be shown of anybody's objects, whatever their classes do when they are asked."""

from collections.abc import Callable

MESSAGE_LIMIT = 4_000

qualname_of = type.__dict__["__qualname__"].__get__
module_of = type.__dict__["__module__"].__get__
"""As ``type`` has them: past what a metaclass makes of them."""


def brief(error: BaseException) -> str:
    """An exception in few words: its type and its message."""
    return f"{type_name(type(error))}: {message_of(error)}"


def message_of(error: BaseException) -> str:
    return cut(shown(lambda: str(error)))


def type_name(kind: type) -> str:
    """A class by its full name, built-in ones by their short one."""
    name, module = shown(lambda: qualname_of(kind)), module_of(kind)
    if not issubclass(type(module), str) or module in ("builtins", "__main__"):
        return name
    return shown(lambda: f"{module}.{name}")


def shown(text: Callable[[], str]) -> str:
    """The text, such that UTF-8 can hold it; or that it cannot be shown, whatever it raises."""
    try:
        return str.encode(text(), errors="backslashreplace").decode()
    except BaseException as second:  # noqa: BLE001 - what is told of must be told all the same
        return f"(cannot be shown: {type.__dict__['__name__'].__get__(type(second))})"


def cut(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """The text, its middle left out where it is longer than the limit."""
    if len(text) <= limit:
        return text
    return (
        f"{text[: limit // 2]}\n… {len(text) - limit} characters left out …\n{text[-limit // 2 :]}"
    )
