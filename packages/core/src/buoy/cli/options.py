"""Options that several commands share."""

from collections.abc import Callable
from typing import Any

import click

verbose_option = click.option("-v", "--verbose", is_flag=True, help="Log each job, too.")
quiet_option = click.option("--quiet", is_flag=True, help="Log only what is wrong.")


def app_option(*, required: bool) -> Callable[[Any], Any]:
    """``-a``: the modules of the app."""
    return click.option(
        "-a",
        "--app",
        required=required,
        metavar="MODULE[,MODULE]",
        callback=lambda _ctx, _param, text: [name for name in (text or "").split(",") if name],
        help="The modules that define the jobs; the current directory is searched first.",
    )
