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


def chosen_app() -> WantedApp:
    """Return the app that --url and --namespace choose."""
    return click.get_current_context().find_object(WantedApp) or WantedApp()


def load_chosen_app(app: list[str]) -> None:
    """Load the modules of an app.

    Raises ConfigurationError if --url or --namespace choose another app than that of a class.
    """
    load_app(app)
    check_all_apps(chosen_app())


verbose_option = click.option("-v", "--verbose", is_flag=True, help="Also log each job.")
quiet_option = click.option("--quiet", is_flag=True, help="Log only warnings and errors.")


def require_unix() -> None:
    """Raise ConfigurationError on a system without fork."""
    if not hasattr(os, "fork"):
        command = click.get_current_context().command_path
        raise ConfigurationError(
            f"{command}: expected a Unix system (Linux, macOS), got {sys.platform}; this "
            "system can enqueue and manage jobs, but not run them"
        )


def set_log_format(_ctx: click.Context, _param: click.Parameter, name: str) -> None:
    os.environ["BUOY_LOG_FORMAT"] = name  # the processes that run the jobs inherit it


log_format_option = click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    envvar="BUOY_LOG_FORMAT",
    expose_value=False,
    callback=set_log_format,
    help="The format of log lines.  [env: BUOY_LOG_FORMAT; default: text]",
)


def modules(_ctx: click.Context, _param: click.Parameter, text: str | None) -> list[str]:
    """Return the names in a comma-separated list; raises BadParameter if there are none."""
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    if text is not None and (not names or any(name.startswith(".") for name in names)):
        raise click.BadParameter(f"expected a module like shop.jobs, got {text!r}")
    return names


def app_option(*, required: bool) -> Callable[[Any], Any]:
    """Return the option ``-a``: the modules of the app."""
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
    """Return the option ``--queue`` as a filter."""
    return click.option("--queue", type=QUEUE, help=help)


def require_queue(name: str) -> str:
    """Return the name of a queue; raises ClickException if nothing was ever enqueued to it."""
    from ..jobs.job import Job

    if not Job.app.monitor.knows(name):
        raise click.ClickException(
            f"{name}: expected a queue that anything was ever enqueued to; see buoy queues"
        )
    return name


def empty_text(queue: str | None, none: str) -> str:
    """Return the text for an empty list; it says so if the queue does not exist."""
    from ..jobs.job import Job

    if queue is None or Job.app.monitor.knows(queue):
        return none
    return f"{none}: nothing was ever enqueued to {queue}"


def confirm(question: str, *, yes: bool) -> None:
    """Ask a question, unless ``yes``; end the command if the answer is no.

    Raises UsageError if nobody can answer, because the input is no terminal.
    """
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
