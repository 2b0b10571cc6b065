"""The log of a process: stdlib logging, which is loaded by who has something to say.

With logging comes threading, and both have work to do in every process that is forked: a third of
a millisecond, which a job that says nothing, in an app that does without them, need not pay.
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logging import Logger

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40
"""The levels of the logging module."""

LEVELS = {-1: WARNING, 0: INFO, 1: DEBUG}
loggers: dict[str, "Logger"] = {}
put_off: list[int] = []
"""The level that logging is to be set up with, once it is loaded."""


def configure(verbosity: int) -> None:
    """Log to standard error: -1 warnings, 0 also what the process does, 1 also each job."""
    put_off[:] = [LEVELS[max(-1, min(1, verbosity))]]
    if "logging" in sys.modules:
        set_up_if_put_off()


def set_up_if_put_off() -> None:
    if put_off:
        from .lines import set_up

        set_up(put_off.pop())


def logger(name: str) -> "Logger":
    """A logger of this name, ready to speak."""
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
        return logger(name).isEnabledFor(level)
    return level >= (put_off[0] if put_off else WARNING)
