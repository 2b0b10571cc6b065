"""The command line: ``buoy``, with the commands of the core and of installed plugins."""

import os
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any

import click

from ..loading.served_app import WantedApp
from ..text.printable import one_line
from ..text.safe import safe_text, summarize_error
from .guard import print_anything, told_plainly
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
    """The core's commands, then those of plugins (entry points ``buoy.commands``), loaded when
    they are needed. A broken plugin loses its own command and no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*CORE, *sorted({point.name for point in plugged()} - set(CORE))]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in CORE:
            module = import_module(f"{__name__}.{CORE[name]}")
            return getattr(module, name)  # type: ignore[no-any-return]  # each module has it
        points = [point for point in plugged() if point.name == name]
        return loaded(points) if points else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # From here on until it works, and while it ends; elsewhere it says that it cannot work.
        if args[:1] == ["worker"] and hasattr(os, "fork"):
            from ..process.signals import exit_on_signals

            ctx.with_resource(exit_on_signals(ctx.close))
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        print_anything()
        return super().main(*args, **kwargs)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with told_plainly():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> object:
        with told_plainly():
            return super().invoke(ctx)


def plugged() -> list[EntryPoint]:
    return sorted(entry_points(group="buoy.commands"), key=lambda point: point.name)


def loaded(points: list[EntryPoint]) -> click.Command:
    if len(points) > 1:
        owners = " and ".join(owner(point) for point in points)
        return broken(points[0].name, f"expected one package that brings it, got {owners}")
    try:
        command = points[0].load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever its module raises
        return broken(points[0].name, f"{owner(points[0])}: {summarize_error(error)}")
    if isinstance(command, click.Command):
        return command
    got = safe_text(lambda: repr(command))
    return broken(points[0].name, f"{owner(points[0])}: expected a click command, got {got}")


def owner(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def broken(name: str, reason: str) -> click.Command:
    """A command in the place of one that cannot be loaded; it says why."""

    def complain(**_: object) -> None:
        raise click.ClickException(f"command {name!r} is broken: {reason}")

    settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(
        name,
        callback=complain,
        context_settings=settings,
        short_help=one_line(f"(broken: {reason})"),
    )


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("buoy"), prog_name="buoy")
@click.option("--url", type=TEXT, help="The Redis to use.  [env: BUOY_URL]")
@click.option("--namespace", type=TEXT, help="What all keys begin with.  [env: BUOY_NAMESPACE]")
@click.pass_context
def main(ctx: click.Context, url: str | None, namespace: str | None) -> None:
    """Background jobs on Redis: at least once, nothing lost, nothing stuck."""
    # In the environment, so that the processes which run the jobs have it, too.
    for name, value in {"BUOY_URL": url, "BUOY_NAMESPACE": namespace}.items():
        if value is not None:
            os.environ[name] = value
    ctx.obj = WantedApp(url, namespace)
