"""Turns every error of a command into a readable message and an exit code."""

import errno
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click

from ..errors import BuoyError
from ..process.log_format import OneLine
from ..text.printable import indented
from ..text.safe import summarize_error
from .program import with_program
from .table import RED, styled
from .terminal import has_colors

HANDLED_BY_CLICK = (
    *(click.Abort, click.exceptions.Exit, EOFError),
    getattr(click.exceptions, "NoArgsIsHelpError", click.Abort),  # click has it from 8.2 on
)
"""What click handles itself: an aborted prompt, an exit, a page of help."""


@contextmanager
def readable_errors() -> Iterator[None]:
    """End the command with a message of printable lines for every error."""
    try:
        yield
    except HANDLED_BY_CLICK:
        raise
    except click.ClickException as error:
        error.message = error_text(error.message)  # type: ignore[misc]  # click and tests read it there
        raise
    except BuoyError as error:
        raise click.ClickException(error_text(str(error))) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.EPIPE:
            raise
        lines = "".join(traceback.format_exception(error))
        raise click.ClickException(error_text(f"{summarize_error(error)}\n{lines}")) from error


def error_text(message: str) -> str:
    """Returns a message in printable lines; the first one is red on a terminal with colours."""
    first, *others = indented(with_program(message)).split("\n")
    return "\n".join([styled(first, RED if has_colors(sys.stderr) else {}), *others])


def escape_unprintable() -> None:
    """Escape characters that the terminal cannot print, in output and in log lines.

    Logging that is set up later has its own format.
    """
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(OneLine("%(message)s"))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
