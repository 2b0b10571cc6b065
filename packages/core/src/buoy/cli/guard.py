"""What becomes of errors: a message that can be read, and an exit code."""

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

PASSED_ON = (
    *(click.Abort, click.exceptions.Exit, EOFError),
    getattr(click.exceptions, "NoArgsIsHelpError", click.Abort),  # click has it from 8.2 on
)
"""What click makes of its own: a prompt that is left, an end, a page of help."""


@contextmanager
def told_plainly() -> Iterator[None]:
    """Have every error end the command with a message of printable lines."""
    try:
        yield
    except PASSED_ON:
        raise
    except click.ClickException as error:
        error.message = indented(error.message)  # type: ignore[misc]  # for all who read it
        raise
    except BuoyError as error:
        raise click.ClickException(indented(str(error))) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.EPIPE:
            raise
        story = "".join(traceback.format_exception(error))
        raise click.ClickException(indented(f"{summarize_error(error)}\n{story}")) from error


def print_anything() -> None:
    """What the encoding of a terminal does not have is spelled; so is what is logged, before that
    is set up otherwise."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(OneLine("%(message)s"))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
