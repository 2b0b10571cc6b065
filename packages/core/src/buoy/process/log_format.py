"""The format of the log: one line for each event, for people or for programs."""

import json
import logging
import os
import sys
import time
from typing import Any

from ..model.failure import limited_traceback
from ..text.printable import indented, one_line
from ..text.safe import safe_text, shorten

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class Safe(logging.Formatter):
    """Formats tracebacks of all errors, whatever their classes do. Never raises for one."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the stdlib has named it
        return "NoneType: None" if ei[1] is None else limited_traceback(*ei[1:]).rstrip("\n")

    def traceback_of(self, record: logging.LogRecord) -> str:
        """The traceback of the event's error; "" if it has none."""
        if not record.exc_info:
            return ""
        return record.exc_text or self.formatException(record.exc_info)


class OneLine(Safe):
    """Writes an event as one line, whatever it contains. A traceback follows on indented lines, so
    that none of them looks like another event."""

    def format(self, record: logging.LogRecord) -> str:
        record.message = format_message(record)
        record.asctime = self.formatTime(record)
        # The stack is the one from which the event was logged.
        stories = [text for text in (self.traceback_of(record), record.stack_info) if text]
        tracebacks = [indented(text, first=True) for text in stories]
        return "\n".join([one_line(self.formatMessage(record)), *tracebacks])


def format_message(record: logging.LogRecord) -> str:
    """The message with its arguments; without them if they do not fit. Never raises."""
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - logging would print all parts, control codes too
        kind = type(error).__name__
    if isinstance(record.msg, str):
        return f"{record.msg!r:.500} (cannot be formatted: {kind})"
    return f"(a message that cannot be formatted: {kind})"


class OneObject(Safe):
    """Writes an event as one JSON object on one line, with its traceback, and with the fields that
    were given as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        facts = {
            "time": f"{second}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": format_message(record),
            "pid": record.process,
        }
        extra = extra_fields(record)
        facts |= {name: value for name, value in extra.items() if name not in facts}
        if trace := self.traceback_of(record):
            facts["traceback"] = trace
        return json.dumps(facts)


USUAL = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
"""The attributes of every record."""


def extra_fields(record: logging.LogRecord) -> dict[str, Any]:
    """The fields that were given as ``extra``, without empty ones. Never raises."""
    given = [(name, value) for name, value in vars(record).items() if name not in USUAL]
    return {str(name): json_safe(value) for name, value in given if not is_empty(value)}


def is_empty(value: object) -> bool:
    return value is None or (type(value) in (str, list, tuple, dict) and not value)


def json_safe(value: Any) -> Any:
    """The value, or its ``repr`` if JSON cannot hold it."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except Exception:  # noqa: BLE001 - its class may raise anything
        return shorten(safe_text(lambda: repr(value)))


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
