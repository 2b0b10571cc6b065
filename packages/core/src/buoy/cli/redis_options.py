"""``--url`` and ``--namespace``: before the name of a command, and behind it."""

import os
from dataclasses import replace
from typing import Any

import click

from ..loading.served_app import WantedApp
from .params import TEXT


def choose_redis(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Use this Redis, or namespace. The processes that run the jobs inherit the environment."""
    if value is None:
        return
    name = param.opts[0].removeprefix("--")
    os.environ[f"BUOY_{name.upper()}"] = value
    known = ctx.find_object(WantedApp) or WantedApp()
    ctx.find_root().obj = ctx.obj = replace(known, **{name: value})


def redis_option(name: str, help: str) -> click.Option:
    # Names of parameters that no command has.
    return click.Option(
        [f"--{name}", f"redis_{name}"],
        type=TEXT,
        expose_value=False,
        callback=choose_redis,
        help=f"{help}  [env var: BUOY_{name.upper()}]",
    )


REDIS_OPTIONS = [
    redis_option("url", "The Redis to use."),
    redis_option("namespace", "The first part of all keys."),
]


def add_redis_options(command: Any) -> Any:
    """Let a command and those below it take the options that they do not have; returns it."""
    taken = {name for param in command.params for name in param.opts}
    command.params += [each for each in REDIS_OPTIONS if not taken & {*each.opts}]
    if isinstance(command, click.Group):
        for each in command.commands.values():
            add_redis_options(each)
    return command
