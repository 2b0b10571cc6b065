"""Options that several commands share."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..errors import ConfigurationError
from ..loading.app_modules import load_app, meant_module
from ..loading.served_app import WantedApp, check_all_apps
from ..text.printable import one_line
from .params import QUEUE, TEXT, Choice
from .setting import AppOption, setting_option
from .terminal import is_terminal


def chosen_app() -> WantedApp:
    """Returns the app that --url and --namespace choose."""
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


log_format_option = setting_option(
    "--log-format",
    type=Choice(["text", "json"]),
    default="text",
    show_default=True,
    expose_value=False,
    callback=set_log_format,
    help="The format of log lines.",
)


check_option = click.option(
    "--check",
    is_flag=True,
    is_eager=True,  # before -a, which is not needed then
    help="Start nothing: end with 0 if one runs on this host and is alive, else with 1.",
)


def read_pid(file: Path | None) -> int | None:
    """Returns the process id in the file of ``--pidfile``; None without a file. Raises
    ClickException if the file has none."""
    if file is None:
        return None
    try:
        return int(file.read_text())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no number"
        raise click.ClickException(
            f"--pidfile: expected a file with a process id, got {file}: {reason}"
        ) from None


def modules(_ctx: click.Context, _param: click.Parameter, text: str | None) -> list[str]:
    """Returns the names in a comma-separated list; raises BadParameter if there are none."""
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    if text is not None and (not names or any(name.startswith(".") for name in names)):
        raise click.BadParameter(f"expected a module like shop.jobs, got {text!r}{hint(names)}")
    return names


def hint(names: list[str]) -> str:
    """Returns what to say instead of these names; empty if that is not clear."""
    meant = [meant_module(name) or name for name in names]
    return f"; say -a {','.join(meant)}" if meant != names else ""


def app_option(*, required: bool) -> Callable[[Any], Any]:
    """Returns the option ``-a``: the modules of the app."""
    return click.option(
        "-a",
        "--app",
        cls=AppOption,
        required=required,
        metavar="MODULE[,MODULE]",
        type=TEXT,
        callback=modules,
        help="The modules that define the jobs; the current directory is searched first.",
    )


class_option = click.option(
    "--class", "name", type=TEXT, help="Jobs of this class (its name as listed)."
)


args_option = click.option(
    "--args",
    type=TEXT,
    help="Jobs whose arguments, as JSON, contain this text, in upper or lower case.",
)

tag_option = click.option("--tag", type=TEXT, help="Jobs with this tag.")


def queue_option(help: str = "Jobs of this queue.") -> Callable[[Any], Any]:
    """Returns the option ``--queue`` as a filter."""
    return click.option("--queue", type=QUEUE, help=help)


def require_queue(name: str) -> str:
    """Returns the name of a queue; raises ClickException if nothing was ever enqueued to it."""
    from ..jobs.job import Job

    if not Job.app.monitor.knows(name):
        raise click.ClickException(
            f"{name}: expected a queue that anything was ever enqueued to; see buoy queues"
        )
    return name


def empty_text(queue: str | None, none: str) -> str:
    """Returns the text for an empty list; it says so if the queue does not exist."""
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
    except (click.Abort, RuntimeError):  # RuntimeError: the standard input is closed
        if is_terminal(sys.stdin):
            raise
        raise click.UsageError("expected --yes where nobody can be asked") from None
    if not sure:
        raise click.Abort


yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
