"""The record of a run that failed: what happened, where, and what the process had cost."""

import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import CodeType
from typing import Any, Self

try:
    import resource
except ImportError:  # on Windows
    resource = None  # type: ignore[assignment]

MESSAGE_LIMIT = 4_000
TRACEBACK_LIMIT = 16_000


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run failed. Times are epoch seconds, ``seconds`` how long it ran, memory in bytes."""

    error: str
    message: str
    cause: str = "exception"
    traceback: str = ""
    also: str = ""
    attempt: int = 1
    worker: str = ""
    failed_at: float = 0.0
    seconds: float = 0.0
    peak_memory: int = 0

    @classmethod
    def of(cls, error: BaseException, since: CodeType | None = None, **facts: Any) -> Self:
        """The record of an exception, its traceback from the frame of ``since`` on.

        ``facts`` are the other fields, as far as they are known.
        """
        return cls(
            error=type_name(type(error)),
            message=cut(shown(lambda: str(error))),
            traceback=cut(shown(lambda: traceback_from(error, since)), TRACEBACK_LIMIT),
            **{"failed_at": time.time(), "peak_memory": peak_memory(), **facts},
        )

    def record(self) -> dict[str, Any]:
        """The record as the payload keeps it: without what is empty."""
        return {name: value for name, value in asdict(self).items() if value != ""}


def brief(error: BaseException) -> str:
    """An exception in few words: its type and its message."""
    return f"{type_name(type(error))}: {cut(shown(lambda: str(error)))}"


def type_name(kind: type) -> str:
    """A class by its full name, built-in ones by their short one."""
    plain = kind.__module__ in ("builtins", "__main__")
    return kind.__qualname__ if plain else f"{kind.__module__}.{kind.__qualname__}"


def traceback_from(error: BaseException, since: CodeType | None) -> str:
    start = error.__traceback__
    while start is not None and start.tb_frame.f_code is not since:
        start = start.tb_next
    shortened = traceback.TracebackException(
        type(error), error, start or error.__traceback__, compact=True
    )
    return "".join(shortened.format())


def shown(text: Callable[[], str]) -> str:
    """The text, whatever the exception's own ``__str__`` does, and such that UTF-8 can hold it."""
    try:
        return text().encode(errors="backslashreplace").decode()
    except Exception as second:  # noqa: BLE001 - the job's error must be recorded all the same
        return f"(cannot be shown: {type(second).__name__})"


def cut(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """The text, its middle left out where it is longer than the limit."""
    if len(text) <= limit:
        return text
    return (
        f"{text[: limit // 2]}\n… {len(text) - limit} characters left out …\n{text[-limit // 2 :]}"
    )


def peak_memory() -> int:
    """The most memory that this process ever held, in bytes; 0 where the system does not tell."""
    if resource is None:
        return 0
    return peak_bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def peak_bytes(maxrss: int) -> int:
    """What the operating system says of a peak, in bytes: it says it in other units each."""
    return maxrss if sys.platform == "darwin" else maxrss * 1024
