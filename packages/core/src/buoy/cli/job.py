"""``buoy job``."""

import json

import click

from ..declaration import LIMITS
from ..job import Job
from ..loading import load_app
from ..plugin import Plugin, hook_names
from ..registry import named
from .options import app_option


@click.command()
@click.argument("name", metavar="CLASS")
@app_option(required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def job(name: str, app: list[str], as_json: bool) -> None:
    """What is declared on a job class, and in which order its plugins act.

    The first plugin is outermost: it is asked first, and its wrapper begins first and ends last.
    """
    load_app(app)
    found = named(name)
    if as_json:
        click.echo(json.dumps([declaration(found)], indent=2))
        return
    click.echo(f"{found.name}{found.accepts.whole}")
    for field in ("queue", *LIMITS):
        value = getattr(found, field)
        if value is not None:
            click.echo(f"  {field:11}{value}")
    click.echo("  plugins" if found.declared else "  no plugins")
    for number, plugin in enumerate(found.declared, 1):
        click.echo(f"  {number:3}. {plugin!r}")
        click.echo(
            f"       {', '.join(hook_names(plugin)) or 'no hooks'}; from {origin(found, plugin)}"
        )


def declaration(found: type[Job]) -> dict[str, object]:
    limits = {field: getattr(found, field) for field in LIMITS}
    plugins = [
        {"plugin": repr(plugin), "hooks": hook_names(plugin), "from": origin(found, plugin)}
        for plugin in found.declared
    ]
    signature = str(found.accepts.whole)
    return {
        "class": found.name,
        "queue": found.queue,
        "perform": signature,
        **limits,
        "plugins": plugins,
    }


def origin(found: type[Job], plugin: Plugin) -> str:
    """The class that declares the plugin."""
    for owner in found.__mro__:
        if any(each is plugin for each in vars(owner).get("plugins", ())):
            return owner.__qualname__
    return "?"
