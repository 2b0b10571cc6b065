"""The program that runs the commands: ``buoy``, or one of a framework such as ``manage.py``."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import click


@dataclass(frozen=True)
class Program:
    """``name`` is how people call it, ``command`` starts it, ``arguments`` follow that."""

    name: str = "buoy"
    command: Sequence[str] = (sys.executable, "-m", "buoy")
    arguments: Sequence[str] = field(default_factory=lambda: sys.argv[1:])


running: list[Program] = []
"""At most one: the program of a framework that runs the commands in this process."""


def program() -> Program:
    """Returns the program that runs the commands in this process."""
    return running[0] if running else Program()


def with_program(text: str) -> str:
    """Returns a message of buoy, in which commands are called by the name of this program."""
    context = click.get_current_context(silent=True)
    root = context and context.find_root()
    if not running or root is None or not isinstance(root.command, click.Group):
        return text
    names = "|".join(map(re.escape, root.command.list_commands(root)))
    return re.sub(rf"(?<![\w./-])buoy (?=({names})\b)", lambda _: f"{running[0].name} ", text)
