"""The record of a run that failed: the error, its traceback, and the memory and time of the run."""

import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from time import time  # by its name: a job may replace that in the module
from types import CodeType, TracebackType
from typing import Any, Self

from ..text.safe import error_message, safe_text, shorten, summarize_error, type_name

try:
    import resource
except ImportError:  # on Windows
    resource = None  # type: ignore[assignment]

TRACEBACK_LIMIT = 16_000
"""Characters."""
MAX_ERRORS_SHOWN = 100
"""An error that comes from, or groups, more errors than this is shown alone."""

traceback_of: Callable[[BaseException], TracebackType | None] = BaseException.__dict__[
    "__traceback__"
].__get__
cause_of = BaseException.__dict__["__cause__"].__get__
context_of = BaseException.__dict__["__context__"].__get__
"""Read the attributes of BaseException, also where a class redefines these names."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run failed. ``failed_at``: epoch seconds; ``seconds``: how long it ran; memory: bytes.

    ``cause``: "exception", or how the process ended; ``also``: a second error, while handling it.
    """

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
        """The record of an exception. Its traceback begins at the frame of ``since``, if given.

        ``facts``: values for the other fields. Never raises, whatever the class of the exception
        does.
        """
        return cls(
            error=type_name(type(error)),
            message=error_message(error),
            traceback=format_traceback(error, since),
            **{"failed_at": time(), "peak_memory": peak_memory(), **facts},
        )

    def record(self) -> dict[str, Any]:
        """The record as a dict for the payload, without empty texts."""
        return {name: value for name, value in asdict(self).items() if value != ""}


def format_traceback(error: BaseException, since: CodeType | None = None) -> str:
    """The traceback with its causes from the frame of ``since`` on; see ``limited_traceback``."""
    return limited_traceback(error, traceback_since(error, since))


def traceback_since(error: BaseException, since: CodeType | None) -> TracebackType | None:
    """The traceback of an error from the frame of ``since`` on; all of it without such a frame."""
    start = first = traceback_of(error)
    while start is not None and start.tb_frame.f_code is not since:
        start = start.tb_next
    return start or first


def limited_traceback(error: BaseException, start: TracebackType | None) -> str:
    """The traceback of an error from a frame on, with its causes, shortened to TRACEBACK_LIMIT;
    only the frames if formatting it all fails. Never raises."""
    try:
        text = format_whole_traceback(error, start)
    except BaseException:  # noqa: BLE001 - from its class or its module's loader
        text = safe_text(lambda: "".join(format_frames(error, start)))
    return shorten(text, TRACEBACK_LIMIT)


def has_traceback(error: BaseException) -> bool:
    """Whether a traceback tells more than the type and the message of the error."""
    return traceback_of(error) is not None or cause_of(error) is not None


def format_whole_traceback(error: BaseException, start: TracebackType | None) -> str:
    """The traceback with its causes, as UTF-8 can hold it; raises whatever formatting raises."""
    if not has_few_errors(error):
        raise ValueError
    story = traceback.TracebackException(type(error), error, start, compact=True)
    return str.encode("".join(story.format()), errors="backslashreplace").decode()


def format_frames(error: BaseException, place: TracebackType | None) -> Iterator[str]:
    """The lines of a traceback without source lines and causes; nothing is loaded for them."""
    yield "Traceback (most recent call last):\n"
    while place is not None:
        code = place.tb_frame.f_code
        yield f'  File "{code.co_filename}", line {place.tb_lineno}, in {code.co_name}\n'
        place = place.tb_next
    yield f"{summarize_error(error)}\n"


def has_few_errors(error: BaseException) -> bool:
    """Whether an error comes from, and groups, at most MAX_ERRORS_SHOWN errors."""
    known, left = {id(error)}, [error]
    while left and len(known) <= MAX_ERRORS_SHOWN:
        one = left.pop()
        grouped = BaseExceptionGroup.exceptions.__get__(one) if is_group(one) else ()
        for other in (cause_of(one), context_of(one), *grouped[:MAX_ERRORS_SHOWN]):
            if other is not None and id(other) not in known:
                known.add(id(other))
                left.append(other)
    return len(known) <= MAX_ERRORS_SHOWN


def is_group(error: BaseException) -> bool:
    """Whether an exception is a group, by its real class."""
    return issubclass(type(error), BaseExceptionGroup)


def peak_memory() -> int:
    """The most memory that this process has held so far, in bytes; 0 on Windows."""
    if resource is None:
        return 0
    return maxrss_to_bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def maxrss_to_bytes(maxrss: int) -> int:
    """``ru_maxrss`` in bytes: macOS gives bytes, other systems give kilobytes."""
    return maxrss if sys.platform == "darwin" else maxrss * 1024
