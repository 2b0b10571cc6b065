"""What the terminal can show: how wide it is, and whether it has colours."""

import os
import shutil
import sys
from typing import TextIO

import click

NARROWEST = 20
"""The fewest columns that tables are fitted to."""


def screen_width() -> int | None:
    """Returns the columns that tables are fitted to, or None if nothing limits them.

    Only a terminal limits them: what is piped into a file or a program is whole. ``COLUMNS`` counts
    before what the terminal says.
    """
    return max(NARROWEST, shutil.get_terminal_size().columns) if is_terminal(sys.stdout) else None


def is_terminal(stream: TextIO) -> bool:
    """Returns whether a stream is a terminal; a closed one is none."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def color_choice() -> bool | None:
    """Returns whether the environment wants colours; None: where the output is a terminal.

    The first that is set decides: NO_COLOR, FORCE_COLOR, and TERM=dumb.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return False if os.environ.get("TERM") == "dumb" else None


def has_colors(stream: TextIO) -> bool:
    """Returns whether text on this stream is coloured."""
    context = click.get_current_context(silent=True)
    choice = color_choice() if context is None or context.color is None else context.color
    return is_terminal(stream) if choice is None else choice
