"""Options that several commands share."""

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from ..errors import ConfigurationError
from ..loading import load_app
from ..serving import Wanted, check_all


def wanted_app() -> Wanted:
    """What the options before the command say of the app."""
    return click.get_current_context().find_object(Wanted) or Wanted()


def load_wanted(app: list[str]) -> None:
    """Load an app whose classes all belong where the options before the command say, if they do."""
    load_app(app)
    check_all(wanted_app())


verbose_option = click.option("-v", "--verbose", is_flag=True, help="Log each job, too.")
quiet_option = click.option("--quiet", is_flag=True, help="Log only what is wrong.")


def require_unix() -> None:
    """Refuse to go on where processes do not fork."""
    if not hasattr(os, "fork"):
        command = click.get_current_context().command_path
        raise ConfigurationError(
            f"{command}: expected a Unix system (Linux, macOS), got {sys.platform}; from here jobs "
            "can be enqueued and looked after, but not run"
        )


def set_log_format(_ctx: click.Context, _param: click.Parameter, name: str) -> None:
    os.environ["BUOY_LOG_FORMAT"] = name  # there the processes which run the jobs find it, too


log_format_option = click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    envvar="BUOY_LOG_FORMAT",
    expose_value=False,
    callback=set_log_format,
    help="How log lines look.  [env: BUOY_LOG_FORMAT; default: text]",
)


def modules(_ctx: click.Context, _param: click.Parameter, text: str | None) -> list[str]:
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    if text is not None and (not names or any(name.startswith(".") for name in names)):
        raise click.BadParameter(f"expected a module like shop.jobs, got {text!r}")
    return names


def app_option(*, required: bool) -> Callable[[Any], Any]:
    """``-a``: the modules of the app."""
    return click.option(
        "-a",
        "--app",
        required=required,
        metavar="MODULE[,MODULE]",
        callback=modules,
        help="The modules that define the jobs; the current directory is searched first.",
    )
