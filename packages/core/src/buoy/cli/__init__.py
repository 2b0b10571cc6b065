"""The command line: ``buoy``, with the commands of the core and of installed plugins."""

import os
import signal
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.shell_completion import CompletionItem

from ..process import early
from ..text.printable import one_line
from ..text.safe import safe_text, summarize_error
from .group import LIST, Group, ListGroup
from .guard import escape_unprintable, readable_errors
from .program import Program, running
from .redis_options import add_redis_options
from .terminal import color_choice

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

CORE = {
    "worker": "worker",
    "dev": "dev",
    "enqueue": "enqueue",
    "queues": "queues",
    "workers": "workers",
    "failed": "failed",
    "jobs": "jobs",
    "classes": "classes",
    "pause": "pause",
    "resume": "pause",
    "doctor": "doctor",
    "top": "top",
    "completion": "completion",
}

GROUP = "buoy.commands"
"""The group of entry points by which plugins bring commands."""

PARENT = "BUOY_PARENT"
"""The id of the `buoy dev` that has started this process, which stops when that one dies."""


class Commands(Group):
    """The commands of the core, and of plugins (entry points ``buoy.commands``).

    A command is loaded when it is used, and not for its help line. A broken plugin breaks its own
    command and no other.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*CORE, *sorted({point.name for point in plugin_entry_points()} - set(CORE))]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in CORE:
            module = import_module(f"{__name__}.{CORE[name]}")
            return add_redis_options(getattr(module, name))  # type: ignore[no-any-return]
        points = [point for point in plugin_entry_points() if point.name == name]
        return add_redis_options(load_command(points)) if points else None

    def get_described(self, ctx: click.Context, name: str) -> click.Command | None:
        from .help_lines import read_command

        values = [point.value for point in plugin_entry_points() if point.name == name]
        if name in CORE:
            values = [f"{__name__}.{CORE[name]}:{name}"]
        read = read_command(name, values[0]) if len(values) == 1 else None
        return read or self.get_command(ctx, name)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        found = [(name, self.get_described(ctx, name)) for name in names]
        items = [
            CompletionItem(name, help=command.get_short_help_str())
            for name, command in found
            if command is not None and not command.hidden
        ]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, [*args])
        except click.NoSuchOption as error:
            for name in filter(self.list_commands(ctx).__contains__, args):
                if has_option(self.get_command(ctx, name), error.option_name):
                    place = f"{ctx.command_path} {name} {error.option_name}"
                    raise click.UsageError(
                        f"{error.option_name}: expected it behind the command: {place}", ctx
                    ) from None
            raise

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # Signals must end the worker while it starts and while it ends, too. Without fork there is
        # no worker, and the command reports that.
        if args[:1] == ["worker"] and hasattr(os, "fork"):
            from ..process.signals import exit_on_signals

            ctx.with_resource(exit_on_signals(ctx.close))
        else:
            early.undo()
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        if PARENT in os.environ:
            from ..process.system import die_with_parent

            die_with_parent(int(os.environ.pop(PARENT)), signal.SIGTERM)
        escape_unprintable()
        return super().main(*args, **kwargs)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with readable_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> object:
        with readable_errors():
            return super().invoke(ctx)


def has_option(command: click.Command | None, option: str) -> bool:
    """Whether a command, or the list of a group, has an option of this name."""
    found = command.commands[LIST] if isinstance(command, ListGroup) else command
    return found is not None and any(option in param.opts for param in found.params)


def plugin_entry_points() -> list["EntryPoint"]:
    """Returns the commands of installed plugins, by name."""
    from importlib.metadata import entry_points  # takes longer to load than all of this

    return sorted(entry_points(group=GROUP), key=lambda point: point.name)


def load_command(points: list["EntryPoint"]) -> click.Command:
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


def package_of(point: "EntryPoint") -> str:
    """Returns name and version of the package that brings a command."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def broken_command(name: str, reason: str) -> click.Command:
    """Returns a command that only reports why the real one cannot be loaded."""

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
@click.version_option(None, "-V", "--version", package_name="buoy", prog_name="buoy")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Background jobs on Redis: at least once, nothing lost, nothing stuck."""
    ctx.color = color_choice()


add_redis_options(main)


def run_commands(arguments: Sequence[str], *, name: str, command: Sequence[str]) -> NoReturn:
    """Run a command of buoy within a framework's own command; ends this process as ``buoy`` does.

    ``name`` is how people call that command, such as ``manage.py buoy``; ``command`` starts it in
    another process.
    """
    running[:] = [Program(name, command, arguments)]
    main.main([*arguments], prog_name=name)
    raise AssertionError("click has ended this process")
