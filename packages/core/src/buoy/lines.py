"""How a line of the log looks: one an event, for people or for programs."""

import json
import logging
import os
import sys
import time

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


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


def set_up(level: int) -> None:
    """Log to standard error from this level on, in the form that BUOY_LOG_FORMAT says.

    By the handler of last resort: an app that configures logging, at whatever time, finds it as if
    nobody had, and what it says is what counts from then on.
    """
    stream = logging.StreamHandler(sys.stderr)
    as_json = os.environ.get("BUOY_LOG_FORMAT") == "json"
    stream.setFormatter(OneObject() if as_json else OneLine(FORMAT))
    logging.lastResort = stream
    logging.getLogger("buoy").setLevel(level)
