"""Options that several commands share."""

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from ..errors import ConfigurationError
from ..loading.app_modules import load_app
from ..loading.served_app import WantedApp, check_all_apps
from ..text.printable import one_line
from .params import QUEUE, TEXT


def wanted_app() -> WantedApp:
    """What the options before the command say of the app."""
    return click.get_current_context().find_object(WantedApp) or WantedApp()


def load_wanted(app: list[str]) -> None:
    """Load an app whose classes all belong where the options before the command say, if they do."""
    load_app(app)
    check_all_apps(wanted_app())


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
        type=TEXT,
        callback=modules,
        help="The modules that define the jobs; the current directory is searched first.",
    )


class_option = click.option(
    "--class", "name", type=TEXT, help="Jobs of this class (its name as listed)."
)


def queue_option(help: str = "Jobs of this queue.") -> Callable[[Any], Any]:
    """``--queue``, as a filter."""
    return click.option("--queue", type=QUEUE, help=help)


def known_queue(name: str) -> str:
    """The name, if there is such a queue: who names another has mistyped it, and waits in vain."""
    from ..jobs.job import Job

    if not Job.app.monitor.knows(name):
        raise click.ClickException(
            f"{name}: expected a queue that anything was ever enqueued to; see buoy queues"
        )
    return name


def none_in(queue: str | None, none: str) -> str:
    """What a list says when it is empty; of a queue that is not there, that too."""
    from ..jobs.job import Job

    if queue is None or Job.app.monitor.knows(queue):
        return none
    return f"{none}: nothing was ever enqueued to {queue}"


def confirm(question: str, *, yes: bool) -> None:
    """Ask before jobs are lost, unless that is said to be meant; end the command if they are to
    be kept."""
    if yes:
        return
    try:
        sure = click.confirm(one_line(question))
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise click.UsageError("expected --yes where nobody can be asked") from None
    if not sure:
        raise click.Abort


yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
