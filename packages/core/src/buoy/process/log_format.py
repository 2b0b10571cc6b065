"""How a line of the log looks: one an event, for people or for programs."""

import json
import logging
import os
import sys
import time

from ..text.printable import indented, one_line

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class OneLine(logging.Formatter):
    """Keeps an event on its line whatever is in it; only a traceback follows below, indented: no
    line of it can pass for an event."""

    def format(self, record: logging.LogRecord) -> str:
        record.message = said(record)
        record.asctime = self.formatTime(record)
        return "\n".join([one_line(self.formatMessage(record)), *map(below, self.stories(record))])

    def stories(self, record: logging.LogRecord) -> list[str]:
        found = [self.formatException(record.exc_info)] if record.exc_info else []
        return [*found, record.stack_info] if record.stack_info else found


def below(story: str) -> str:
    return indented(story, first=True)


def said(record: logging.LogRecord) -> str:
    """The message; where its parts do not fit together, it is told as it was given."""
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - logging would print all of it, raw
        kind = type(error).__name__
    if isinstance(record.msg, str):
        return f"{record.msg!r:.500} (cannot be formatted: {kind})"
    return f"(a message that cannot be formatted: {kind})"


class OneObject(logging.Formatter):
    """Makes an event an object of JSON, on one line, with its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        facts = {
            "time": f"{second}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": said(record),
            "pid": record.process,
        }
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        return json.dumps(facts)


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
