"""Options that several commands share."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from buoy.plugins.commands import COUNT, TEXT, File, app_option


def file_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--schedule`` and ``--env``: the schedule file."""
    env = click.option(
        "--env",
        type=TEXT,
        help="The environment of this process, for entries that are only for some.",
    )
    file = click.option(
        "--schedule",
        "file",
        type=File(path_type=Path),
        help="A YAML file of entries: cron or every, class, queue, args, tz, missed, ...",
    )
    return file(env(command))


def sources(command: Callable[..., Any]) -> Callable[..., Any]:
    """``-a``, ``--schedule`` and ``--env``: where entries are declared."""
    return app_option(required=False)(file_options(command))  # type: ignore[no-any-return]


count_option = partial(
    click.option, "--count", type=click.IntRange(1, COUNT.max), show_default=True
)
