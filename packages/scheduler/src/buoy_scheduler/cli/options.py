"""Options that several commands share."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from buoy.plugins.commands import COUNT, TEXT, File, WholeNumber, app_option, setting_option


def file_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--schedule`` and ``--env``: the schedule file."""
    env = setting_option(
        "--env",
        type=TEXT,
        help="The environment of this process, for entries that are only for some.",
    )
    file = setting_option(
        "--schedule",
        "file",
        setting="schedule",
        type=File(path_type=Path),
        help="A YAML file of entries: cron or every, class, queue, args, tz, missed, ...",
    )
    return file(env(command))  # type: ignore[no-any-return]


def sources(command: Callable[..., Any]) -> Callable[..., Any]:
    """``-a``, ``--schedule`` and ``--env``: where entries are declared."""
    return app_option(required=False)(file_options(command))  # type: ignore[no-any-return]


count_option = partial(click.option, "--count", type=WholeNumber(1, COUNT.max), show_default=True)
