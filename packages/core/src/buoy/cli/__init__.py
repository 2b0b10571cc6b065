"""The command line: ``buoy``, with the commands of the core and of installed plugins."""

import os
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any

import click

from ..loading.served_app import WantedApp
from ..text.printable import one_line
from ..text.safe import safe_text, summarize_error
from .guard import escape_unprintable, readable_errors
from .params import TEXT

CORE = {
    "worker": "worker",
    "enqueue": "enqueue",
    "queues": "queues",
    "workers": "workers",
    "failed": "failed",
    "job": "job",
    "doctor": "doctor",
}


class Commands(click.Group):
    """The commands of the core, and of plugins (entry points ``buoy.commands``).

    A command is loaded when it is used. A broken plugin breaks its own command and no other.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*CORE, *sorted({point.name for point in plugin_entry_points()} - set(CORE))]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in CORE:
            module = import_module(f"{__name__}.{CORE[name]}")
            return getattr(module, name)  # type: ignore[no-any-return]  # each module has it
        points = [point for point in plugin_entry_points() if point.name == name]
        return load_command(points) if points else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # Signals must end the worker while it starts and while it ends, too. Without fork there is
        # no worker, and the command reports that.
        if args[:1] == ["worker"] and hasattr(os, "fork"):
            from ..process.signals import exit_on_signals

            ctx.with_resource(exit_on_signals(ctx.close))
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        escape_unprintable()
        return super().main(*args, **kwargs)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with readable_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> object:
        with readable_errors():
            return super().invoke(ctx)


def plugin_entry_points() -> list[EntryPoint]:
    """Return the commands of installed plugins, by name."""
    return sorted(entry_points(group="buoy.commands"), key=lambda point: point.name)


def load_command(points: list[EntryPoint]) -> click.Command:
    """Load the command of a plugin, or return one that reports why it cannot be loaded.

    ``points``: all entry points of this name.
    """
    if len(points) > 1:
        owners = " and ".join(package_of(point) for point in points)
        return broken_command(points[0].name, f"expected one package that brings it, got {owners}")
    try:
        command = points[0].load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever its module raises
        return broken_command(points[0].name, f"{package_of(points[0])}: {summarize_error(error)}")
    if isinstance(command, click.Command):
        return command
    got = safe_text(lambda: repr(command))
    return broken_command(
        points[0].name, f"{package_of(points[0])}: expected a click command, got {got}"
    )


def package_of(point: EntryPoint) -> str:
    """Return name and version of the package that brings a command."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def broken_command(name: str, reason: str) -> click.Command:
    """Return a command that only reports why the real one cannot be loaded."""

    def report(**_: object) -> None:
        raise click.ClickException(f"command {name!r} is broken: {reason}")

    settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(
        name,
        callback=report,
        context_settings=settings,
        short_help=one_line(f"(broken: {reason})"),
    )


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("buoy"), prog_name="buoy")
@click.option("--url", type=TEXT, help="The Redis to use.  [env: BUOY_URL]")
@click.option("--namespace", type=TEXT, help="The first part of all keys.  [env: BUOY_NAMESPACE]")
@click.pass_context
def main(ctx: click.Context, url: str | None, namespace: str | None) -> None:
    """Background jobs on Redis: at least once, nothing lost, nothing stuck."""
    # The processes that run the jobs inherit the environment.
    for name, value in {"BUOY_URL": url, "BUOY_NAMESPACE": namespace}.items():
        if value is not None:
            os.environ[name] = value
    ctx.obj = WantedApp(url, namespace)
