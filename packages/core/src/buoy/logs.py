"""How the daemons log: stdlib logging, one line an event, on standard error."""

import json
import logging
import os
import sys
import time

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
LEVELS = {-1: logging.WARNING, 0: logging.INFO, 1: logging.DEBUG}


class OneLine(logging.Formatter):
    """Keeps an event on its line whatever is in it; only a traceback follows below."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - its name in logging
        line = super().formatMessage(record)
        return line if line.isprintable() else "".join(map(printable, line))


def printable(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]


class OneObject(logging.Formatter):
    """Makes an event an object of JSON, on one line, with its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        said = {
            "time": f"{second}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said)


def configure(verbosity: int) -> None:
    """Log to standard error: -1 warnings, 0 also what the process does, 1 also each job.

    An app that has configured logging itself keeps what it has. BUOY_LOG_FORMAT is in the
    environment for the processes that run the jobs.
    """
    level = LEVELS[max(-1, min(1, verbosity))]
    if not logging.getLogger().handlers:
        stream = logging.StreamHandler(sys.stderr)
        as_json = os.environ.get("BUOY_LOG_FORMAT") == "json"
        stream.setFormatter(OneObject() if as_json else OneLine(FORMAT))
        logging.getLogger().addHandler(stream)
        logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("buoy").setLevel(level)
