"""How the daemons log: stdlib logging, one line an event, on standard error."""

import logging
import sys

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
LEVELS = {-1: logging.WARNING, 0: logging.INFO, 1: logging.DEBUG}


class OneLine(logging.Formatter):
    """Keeps an event on its line whatever is in it; only a traceback follows below."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - its name in logging
        line = super().formatMessage(record)
        return line if line.isprintable() else "".join(map(printable, line))


def printable(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]


def configure(verbosity: int) -> None:
    """Log to standard error: -1 warnings, 0 also what the process does, 1 also each job.

    An app that has configured logging itself keeps what it has.
    """
    level = LEVELS[max(-1, min(1, verbosity))]
    if not logging.getLogger().handlers:
        stream = logging.StreamHandler(sys.stderr)
        stream.setFormatter(OneLine(FORMAT))
        logging.getLogger().addHandler(stream)
        logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("buoy").setLevel(level)
