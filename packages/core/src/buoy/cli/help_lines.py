"""The help lines of commands, read from their source.

``buoy --help`` shows one line of each command of each package. Loading them all for it, with the
libraries that they use, would take longer than all else that it does.
"""

import ast
from collections.abc import Sequence
from importlib.machinery import PathFinder, SourceFileLoader

import click

TOLD_APART = {"help", "short_help", "hidden", "deprecated", None}
"""What a decorator can say about a command's help line, instead of the docstring; None stands for
``**settings``."""


def read_command(name: str, value: str) -> click.Command | None:
    """Returns a command that is good for its help line alone. ``value``: that of its entry point,
    "module:function".

    Returns None unless that is a function whose docstring says the line.
    """
    module, _, wanted = value.partition(":")
    try:
        body = ast.parse(read_source(module)).body
    except (ImportError, SyntaxError, ValueError):
        return None
    found = [node for node in body if isinstance(node, ast.FunctionDef) and node.name == wanted]
    if len(found) != 1 or not is_plain(found[0]):
        return None
    return click.Command(name, help=ast.get_docstring(found[0]))


def is_plain(function: ast.FunctionDef) -> bool:
    """Whether a function is made a command by a decorator that leaves its help to the docstring."""
    match function.decorator_list:
        case [ast.Call(func=ast.Attribute(attr="command" | "group"), keywords=keywords), *_]:
            return not TOLD_APART & {keyword.arg for keyword in keywords}
    return False


def read_source(module: str) -> str:
    """Returns the source of a module; neither it nor its package is loaded.

    Raises ImportError if there is none.
    """
    path: Sequence[str] | None = None
    name, loader = "", None
    for part in module.split("."):
        name = f"{name}.{part}".lstrip(".")
        spec = PathFinder.find_spec(name, path)
        if spec is None:
            raise ImportError(name)
        path, loader = spec.submodule_search_locations, spec.loader
    if not isinstance(loader, SourceFileLoader):
        raise ImportError(name)
    return loader.get_source(name) or ""
