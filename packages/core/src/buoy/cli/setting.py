"""Options that are settings, too: ``BUOY_NAME`` or the configuration file may also set them."""

from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from ..settings import checked_file, variable_of


class Setting(click.Option):
    """An option that is a setting: an argument, else ``BUOY_NAME``, else the configuration file.

    ``setting`` is the name of the setting, by default that of the parameter.
    """

    def __init__(self, *args: Any, setting: str | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self.show_envvar = True
        self.setting = setting or str(self.name)
        self.envvar = self.variable = variable_of(self.setting)

    def consume_value(self, ctx: click.Context, opts: Any) -> tuple[Any, ParameterSource]:
        value, source = super().consume_value(ctx, opts)
        if source in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP):
            table = checked_file().table
            if self.setting in table:
                found = table[self.setting]
                # As in a variable: spaces are between the values of an option that may be repeated.
                return found.split() if self.multiple else found, ParameterSource.DEFAULT_MAP
        return value, source

    def get_error_hint(self, ctx: Any) -> str:
        """Returns where the value that is wrong is set, or where one that is missing may be."""
        option = click.Parameter.get_error_hint(self, ctx)
        match ctx.get_parameter_source(self.name) if ctx else ParameterSource.COMMANDLINE:
            case ParameterSource.COMMANDLINE:
                return option
            case ParameterSource.ENVIRONMENT:
                return self.variable
            case ParameterSource.DEFAULT_MAP:
                return f"{self.setting} in {checked_file().path}"
            case _:
                return f"{option} (or {self.variable}, or {self.setting} in buoy.toml)"


class ListSetting(Setting):
    """An option whose value is a list with commas. When it comes several times, each adds to the
    list: if the last one replaced the others, a worker would not know their jobs."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        self.multiple = True  # the parser then keeps all of them
        try:
            super().add_to_parser(parser, ctx)
        finally:
            self.multiple = False

    def consume_value(self, ctx: click.Context, opts: Any) -> tuple[Any, ParameterSource]:
        given = opts.get(self.name)
        if isinstance(given, list):
            opts = {**opts, self.name: ",".join(given)}
        return super().consume_value(ctx, opts)


class AppOption(ListSetting):
    """The option ``-a``. ``--check`` looks for a process, and needs no app."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        if ctx.params.get("check") and self.value_is_missing(value):
            return []
        return super().process_value(ctx, value)


def setting_option(
    *names: str, setting: str | None = None, cls: type[Setting] = Setting, **more: Any
) -> Callable[[Any], Any]:
    """Returns an option as ``click.option`` does, whose value may also come from ``BUOY_NAME`` or
    the configuration file.

    ``setting`` is the name there, by default that of the parameter. A package of plugins lists the
    names of its settings as entry points ``buoy.settings``.
    """
    return click.option(*names, cls=cls, setting=setting, **more)
