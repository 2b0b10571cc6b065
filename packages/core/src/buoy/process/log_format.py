"""The format of the log: one line for each event, for people or for programs."""

import json
import logging
import os
import sys
import time

from ..text.printable import indented, one_line

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class OneLine(logging.Formatter):
    """Writes an event as one line, whatever it contains. A traceback follows on indented lines, so
    that none of them looks like another event."""

    def format(self, record: logging.LogRecord) -> str:
        record.message = format_message(record)
        record.asctime = self.formatTime(record)
        tracebacks = [indented(text, first=True) for text in self.tracebacks(record)]
        return "\n".join([one_line(self.formatMessage(record)), *tracebacks])

    def tracebacks(self, record: logging.LogRecord) -> list[str]:
        """The traceback of the event's error, and the stack it was logged from, if it has any."""
        found = [self.formatException(record.exc_info)] if record.exc_info else []
        return [*found, record.stack_info] if record.stack_info else found


def format_message(record: logging.LogRecord) -> str:
    """The message with its arguments; without them if they do not fit. Never raises."""
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - logging would print all parts, control codes too
        kind = type(error).__name__
    if isinstance(record.msg, str):
        return f"{record.msg!r:.500} (cannot be formatted: {kind})"
    return f"(a message that cannot be formatted: {kind})"


class OneObject(logging.Formatter):
    """Writes an event as one JSON object on one line, its traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        facts = {
            "time": f"{second}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": format_message(record),
            "pid": record.process,
        }
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        return json.dumps(facts)


def set_up(level: int) -> None:
    """Log to standard error from this level on, in the format that BUOY_LOG_FORMAT names.

    This sets the handler of last resort. An app that configures logging, at any time, finds it
    unconfigured, and from then on only the app's configuration applies.
    """
    stream = logging.StreamHandler(sys.stderr)
    as_json = os.environ.get("BUOY_LOG_FORMAT") == "json"
    stream.setFormatter(OneObject() if as_json else OneLine(FORMAT))
    logging.lastResort = stream
    logging.getLogger("buoy").setLevel(level)
