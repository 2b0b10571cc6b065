"""The log of a process: stdlib logging, which is loaded by who has something to say.

With logging comes threading, and both have work to do in every process that is forked: a third of
a millisecond, which a job that says nothing, in an app that does without them, need not pay.
"""

import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ..text.printable import one_line
from ..text.safe import brief, shown

if TYPE_CHECKING:
    from logging import Logger

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40
"""The levels of the logging module."""

LEVELS = {-1: WARNING, 0: INFO, 1: DEBUG}
loggers: dict[str, "Logger"] = {}
put_off: list[int] = []
"""The level that logging is to be set up with, once it is loaded."""


def configure(verbosity: int) -> None:
    """Log to standard error: -1 warnings, 0 also what the process does, 1 also each job.

    What Python warns of is logged, too.
    """
    warnings.showwarning = log_warning
    put_off[:] = [LEVELS[max(-1, min(1, verbosity))]]
    if "logging" in sys.modules:
        set_up_if_put_off()


def set_up_if_put_off() -> None:
    if put_off:
        from .log_format import set_up

        set_up(put_off.pop())


def log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: object = None,
) -> None:
    """In place of ``warnings.showwarning``, which prints all that there is in a warning, raw."""
    logger("py.warnings").warning("%s:%d: %s: %s", filename, lineno, category.__name__, message)


class Log:
    """What one part of buoy says, as to a logger.

    Whatever the app's handlers, filters and formatters do with it, who has said it goes on.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def is_debug(self) -> bool:
        """Whether anybody would see messages of the level debug."""
        return heard(self.name, DEBUG)

    def debug(self, text: str, *args: object) -> None:
        self.say(DEBUG, text, args)

    def info(self, text: str, *args: object, **more: Any) -> None:
        self.say(INFO, text, args, **more)

    def warning(self, text: str, *args: object, **more: Any) -> None:
        self.say(WARNING, text, args, **more)

    def error(self, text: str, *args: object, **more: Any) -> None:
        self.say(ERROR, text, args, **more)

    def exception(self, text: str, *args: object) -> None:
        """An error, with the traceback of what is being handled."""
        self.say(ERROR, text, args, exc_info=True)

    def log(self, level: int, text: str, *args: object) -> None:
        self.say(level, text, args)

    def say(self, level: int, text: str, args: tuple[object, ...], **more: Any) -> None:
        try:
            if heard(self.name, level):
                said = map(encodable, args)
                speaker(self.name).log(level, text, *said, stacklevel=3, **more)
        except BaseException as error:
            if issubclass(type(error), KeyboardInterrupt) and may_be_ctrl_c():
                raise
            complain(shown(lambda: text % args), error)


def encodable(word: object) -> object:
    """A word of a message, such that every handler can write it: bytes in Redis that are no UTF-8
    are read as halves of surrogate pairs."""
    return shown(lambda: word) if type(word) is str else word


def logger(name: str) -> Log:
    """The log of this name."""
    return Log(name)


@contextmanager
def log_errors(name: str, what: str) -> Iterator[None]:
    """Log any error that is raised within, with its traceback, as ``what`` having failed; then go
    on."""
    try:
        yield
    except BaseException:  # noqa: BLE001 - whatever the app's own code raises
        logger(name).exception("%s failed", what)


def speaker(name: str) -> "Logger":
    found = loggers.get(name)
    if found is None:
        from logging import getLogger

        set_up_if_put_off()
        found = loggers[name] = getLogger(name)
    return found


def enable() -> None:
    """Undo what ``dictConfig`` does to loggers that were there before it: silence them."""
    if "logging" in sys.modules:
        from logging import Logger, root

        for name, found in root.manager.loggerDict.items():
            if f"{name}.".startswith("buoy.") and isinstance(found, Logger):
                found.disabled = False


def heard(name: str, level: int) -> bool:
    """Whether anybody would hear what is said at this level."""
    if "logging" in sys.modules:
        try:
            return (loggers.get(name) or speaker(name)).isEnabledFor(level)
        except Exception:  # noqa: BLE001 - of a class of loggers that the app has made
            return True
    return level >= (put_off[0] if put_off else WARNING)


def may_be_ctrl_c() -> bool:
    """Whether Ctrl-C raises an error here: in programs that enqueue, not in workers."""
    return signal.getsignal(signal.SIGINT) is signal.default_int_handler


def complain(said: str, error: BaseException) -> None:
    """Say it without the log, and that the log did not take it."""
    with suppress(BaseException):
        line = one_line(f"{said} (not logged: {brief(error)})")
        print(line, file=sys.stderr, flush=True)  # noqa: T201
