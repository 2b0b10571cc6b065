"""Text as terminals and logs may show it: whatever it holds, it can neither act nor pretend."""

import sys
from traceback import format_exception
from types import TracebackType


def one_line(text: str) -> str:
    """The text on one line, each character that cannot be printed as Python spells it (``\\x1b``).

    Among these are line breaks, what moves the cursor or turns the direction of writing, what has
    no width, and halves of surrogate pairs.
    """
    return text if text.isprintable() else "".join(map(spelled, text))


def spelled(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]


def indented(text: str, *, first: bool = False) -> str:
    """The text line by line, each line printable. All but the first are indented (with ``first``
    that one, too), so that none of them passes for another message."""
    lines = [one_line(line) for line in text.expandtabs(4).splitlines()] or [""]
    return ("  " if first else "") + "\n  ".join(lines)


def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print an error that nobody has caught, as ``sys.excepthook`` does, but printable."""
    sys.stderr.write(indented("".join(format_exception(kind, error, trace))) + "\n")
