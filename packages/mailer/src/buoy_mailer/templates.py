"""Renders templates (Jinja2); needs the extra ``buoy-mailer[templates]``."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from buoy import ConfigurationError

if TYPE_CHECKING:
    from jinja2 import Environment

TEXT_ENDINGS = ("txt", "txt.j2", "txt.jinja", "text")
"""File name endings of templates that are not HTML. Values in them are not escaped."""


def render(folders: Sequence[Path], name: str, values: dict[str, object]) -> str:
    """Returns the rendered template, from the first folder that has it. Raises ConfigurationError
    without Jinja2, and the errors of Jinja2."""
    return environment(tuple(folders)).get_template(name).render(values)


@cache
def environment(folders: tuple[Path, ...]) -> "Environment":
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
    except ImportError:
        raise ConfigurationError(
            "templates: expected Jinja2 to be installed, but it is not; "
            "run: pip install 'buoy-mailer[templates]'"
        ) from None
    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=select_autoescape((), TEXT_ENDINGS, default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
