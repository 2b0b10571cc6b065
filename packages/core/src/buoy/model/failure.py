"""The record of a run that failed: what happened, where, and what the process had cost."""

import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from types import CodeType, TracebackType
from typing import Any, Self

from ..text.safe import brief, cut, message_of, shown, type_name

try:
    import resource
except ImportError:  # on Windows
    resource = None  # type: ignore[assignment]

TRACEBACK_LIMIT = 16_000
ERRORS_MOST = 100
"""So many errors that led to one another, or are grouped, are shown with an error."""

traceback_of = BaseException.__dict__["__traceback__"].__get__
cause_of = BaseException.__dict__["__cause__"].__get__
context_of = BaseException.__dict__["__context__"].__get__
"""As exceptions have them: past what a class makes of these names."""


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

        ``facts`` are the other fields, as far as they are known. Never raises, whatever the
        exception's own class does when it is asked.
        """
        return cls(
            error=type_name(type(error)),
            message=message_of(error),
            traceback=cut(traceback_from(error, since), TRACEBACK_LIMIT),
            **{"failed_at": time.time(), "peak_memory": peak_memory(), **facts},
        )

    def record(self) -> dict[str, Any]:
        """The record as the payload keeps it: without what is empty."""
        return {name: value for name, value in asdict(self).items() if value != ""}


def traceback_from(error: BaseException, since: CodeType | None) -> str:
    """The whole story if it can be told, else where it happened."""
    start = first = traceback_of(error)
    while start is not None and start.tb_frame.f_code is not since:
        start = start.tb_next
    try:
        return shown_or_raise(error, start or first)
    except BaseException:  # noqa: BLE001 - of its class, its module's loader, or it is too much
        return shown(lambda: "".join(places(error, start or first)))


def shown_or_raise(error: BaseException, start: TracebackType | None) -> str:
    if not are_few(error):
        raise ValueError
    story = traceback.TracebackException(type(error), error, start, compact=True)
    return str.encode("".join(story.format()), errors="backslashreplace").decode()


def places(error: BaseException, place: TracebackType | None) -> Iterator[str]:
    """A traceback without what modules, their files and other errors would have to tell."""
    yield "Traceback (most recent call last):\n"
    while place is not None:
        code = place.tb_frame.f_code
        yield f'  File "{code.co_filename}", line {place.tb_lineno}, in {code.co_name}\n'
        place = place.tb_next
    yield f"{brief(error)}\n"


def are_few(error: BaseException) -> bool:
    """Whether it comes from, and holds, no more errors than can be shown."""
    known, left = {id(error)}, [error]
    while left and len(known) <= ERRORS_MOST:
        one = left.pop()
        grouped = BaseExceptionGroup.exceptions.__get__(one) if is_group(one) else ()
        for other in (cause_of(one), context_of(one), *grouped[:ERRORS_MOST]):
            if other is not None and id(other) not in known:
                known.add(id(other))
                left.append(other)
    return len(known) <= ERRORS_MOST


def is_group(error: BaseException) -> bool:
    return issubclass(type(error), BaseExceptionGroup)


def peak_memory() -> int:
    """The most memory that this process ever held, in bytes; 0 where the system does not tell."""
    if resource is None:
        return 0
    return peak_bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def peak_bytes(maxrss: int) -> int:
    """What the operating system says of a peak, in bytes: it says it in other units each."""
    return maxrss if sys.platform == "darwin" else maxrss * 1024
