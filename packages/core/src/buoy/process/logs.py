"""The log of a process: the stdlib's logging, loaded when there is something to log.

logging loads threading, and both have work to do in every process that is forked: a third of a
millisecond. A job that logs nothing, in an app that uses neither, does not pay for them.
"""

import signal
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any

from ..model.failure import traceback_of
from ..text.printable import one_line
from ..text.safe import safe_text, summarize_error

if TYPE_CHECKING:
    from logging import Logger

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40
"""The levels of the logging module."""

ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]
"""What ``sys.exc_info()`` returns."""
NO_FIELDS: Mapping[str, Any] = MappingProxyType({})

LEVELS = {-1: WARNING, 0: INFO, 1: DEBUG}
loggers: dict[str, "Logger"] = {}
pending_level: list[int] = []
"""Holds the level to set up logging with once it is loaded; empty when that is done."""


def configure(verbosity: int) -> None:
    """Log to standard error: with -1 warnings, with 0 also events of the process, with 1 also each
    job. Python's own warnings are logged, too."""
    warnings.showwarning = log_warning
    pending_level[:] = [LEVELS[max(-1, min(1, verbosity))]]
    if "logging" in sys.modules:
        set_up_if_pending()


def set_up_if_pending() -> None:
    if pending_level:
        from .log_format import set_up

        set_up(pending_level.pop())


def log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: object = None,
) -> None:
    """Replaces ``warnings.showwarning``, which prints all that a warning contains, control codes
    too."""
    logger("py.warnings").warning("%s:%d: %s: %s", filename, lineno, category.__name__, message)


class Log:
    """A logger of one part of buoy.

    Its methods never raise the errors of the app's handlers, filters and formatters.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def is_debug(self) -> bool:
        """Whether anybody would see messages of the level debug."""
        return is_logged(self.name, DEBUG)

    # ``more``: ``exc_info``, an error to log with its traceback; ``extra``, fields of the record.

    def debug(self, text: str, *args: object, **more: Any) -> None:
        self.write(DEBUG, text, args, **more)

    def info(self, text: str, *args: object, **more: Any) -> None:
        self.write(INFO, text, args, **more)

    def warning(self, text: str, *args: object, **more: Any) -> None:
        self.write(WARNING, text, args, **more)

    def error(self, text: str, *args: object, **more: Any) -> None:
        self.write(ERROR, text, args, **more)

    def exception(self, text: str, *args: object, **more: Any) -> None:
        """Log an error, with the traceback of the exception that is being handled."""
        self.write(ERROR, text, args, exc_info=sys.exc_info(), **more)

    def log(self, level: int, text: str, *args: object, **more: Any) -> None:
        self.write(level, text, args, **more)

    def write(
        self,
        level: int,
        text: str,
        args: tuple[object, ...],
        exc_info: Any = None,
        extra: Mapping[str, Any] = NO_FIELDS,
        trace: str = "",
    ) -> None:
        """Log an event. When the app's logging fails, print it to standard error instead.

        ``exc_info``: an error, True for the one that is being handled, or a tuple as
        ``sys.exc_info()`` returns it. ``trace``: its traceback as text. Formatters take it from the
        record, as the stdlib's do, instead of formatting an error that perhaps cannot be formatted.
        """
        try:
            if is_logged(self.name, level):
                found = stdlib_logger(self.name)
                if exc_info is not None and type(exc_info) is not tuple:
                    exc_info = sys.exc_info() if exc_info is True else exc_info_of(exc_info)
                place = found.findCaller(stacklevel=3)
                record = found.makeRecord(
                    *(found.name, level, *place[:2], text, tuple(map(encodable, args))),
                    exc_info,
                    place[2],
                )
                # The stdlib would refuse fields that a record factory has set.
                vars(record).update(extra)
                record.exc_text = trace.rstrip("\n") or None
                found.handle(record)
        except BaseException as error:
            if issubclass(type(error), KeyboardInterrupt) and ctrl_c_raises():
                raise
            report_unlogged(safe_text(lambda: text % args), error)


def exc_info_of(error: BaseException) -> ExcInfo:
    """What ``sys.exc_info()`` returns for an error."""
    return type(error), error, traceback_of(error)


def encodable(value: object) -> object:
    """An argument of a message that every handler can write. Bytes from Redis that are no UTF-8
    contain halves of surrogate pairs, which cannot be encoded."""
    return safe_text(lambda: value) if type(value) is str else value


def logger(name: str) -> Log:
    """The log of this name."""
    return Log(name)


@contextmanager
def log_errors(name: str, what: str) -> Iterator[None]:
    """Catch any error that is raised within the block, and log it with its traceback. ``what``
    names the part that failed."""
    try:
        yield
    except BaseException:  # noqa: BLE001 - whatever the app's own code raises
        logger(name).exception("%s failed", what)


def stdlib_logger(name: str) -> "Logger":
    """The stdlib's logger of this name; loads logging at the first call."""
    found = loggers.get(name)
    if found is None:
        from logging import getLogger

        set_up_if_pending()
        found = loggers[name] = getLogger(name)
    return found


def enable_loggers() -> None:
    """Enable buoy's loggers again: ``dictConfig`` disables all loggers that exist before it."""
    if "logging" in sys.modules:
        from logging import Logger, root

        for name, found in root.manager.loggerDict.items():
            if f"{name}.".startswith("buoy.") and isinstance(found, Logger):
                found.disabled = False


def is_logged(name: str, level: int) -> bool:
    """Whether an event of this level would be logged by the logger of this name."""
    if "logging" in sys.modules:
        try:
            return (loggers.get(name) or stdlib_logger(name)).isEnabledFor(level)
        except Exception:  # noqa: BLE001 - of a class of loggers that the app has made
            return True
    return level >= (pending_level[0] if pending_level else WARNING)


def ctrl_c_raises() -> bool:
    """Whether Ctrl-C raises KeyboardInterrupt here: in programs that enqueue, not in workers."""
    return signal.getsignal(signal.SIGINT) is signal.default_int_handler


def report_unlogged(message: str, error: BaseException) -> None:
    """Print a message that the app's logging did not take, and why; never raises."""
    with suppress(BaseException):
        line = one_line(f"{message} (not logged: {summarize_error(error)})")
        print(line, file=sys.stderr, flush=True)  # noqa: T201
