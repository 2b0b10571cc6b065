"""Text that terminals and logs can show: it contains no control codes, and each message is
recognizable as one."""

import sys
from traceback import format_exception
from types import TracebackType


def one_line(text: str) -> str:
    """The text on one line, with each character that cannot be printed escaped as in Python
    (``\\x1b``).

    Escaped are line breaks, characters that move the cursor, turn the direction of writing or have
    no width, and halves of surrogate pairs.
    """
    return text if text.isprintable() else "".join(map(escape, text))


def escape(character: str) -> str:
    """The character, escaped as in Python if it cannot be printed."""
    return character if character.isprintable() else repr(character)[1:-1]


def indented(text: str, *, first: bool = False) -> str:
    """The lines of a text, each made printable. All lines but the first are indented by two spaces
    (with ``first`` that one, too), so that none of them looks like another message."""
    lines = [one_line(line) for line in text.expandtabs(4).splitlines()] or [""]
    return ("  " if first else "") + "\n  ".join(lines)


def print_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Replaces ``sys.excepthook``: prints an uncaught error in a printable form."""
    sys.stderr.write(indented("".join(format_exception(kind, error, trace))) + "\n")
