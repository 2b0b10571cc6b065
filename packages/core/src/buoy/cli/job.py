"""``buoy job``."""

import click

from ..jobs.declaration import LIMITS
from ..jobs.job import Job
from ..jobs.plugin import Plugin, hook_names
from ..jobs.registry import find_class
from ..loading.app_modules import load_app
from ..text.safe import safe_text
from .options import app_option
from .output import as_array, json_option, print_line
from .params import TEXT


@click.command()
@click.argument("name", metavar="CLASS", type=TEXT)
@app_option(required=True)
@json_option
def job(name: str, app: list[str], as_json: bool) -> None:
    """Show what a job class declares, and the order of its plugins.

    buoy asks the first plugin first; its wrapper begins first and ends last.
    """
    load_app(app)
    found = find_class(name)
    if as_json:
        click.echo(as_array([declaration(found)]))
        return
    print_line(f"{found.name}{found._signature.signature}")
    for field in ("queue", *LIMITS):
        value = getattr(found, field)
        if value is not None:
            print_line(f"  {field:11}{value}")
    print_line("  plugins" if found._declared else "  no plugins")
    for number, plugin in enumerate(found._declared, 1):
        print_line(f"  {number:3}. {plugin_repr(plugin)}")
        hooks = ", ".join(hook_names(plugin)) or "no hooks"
        print_line(f"       {hooks}; from {declaring_class(found, plugin)}")


def declaration(found: type[Job]) -> dict[str, object]:
    """Return what a class declares, as an object of the JSON output."""
    limits = {field: getattr(found, field) for field in LIMITS}
    plugins = [
        {
            "plugin": plugin_repr(plugin),
            "hooks": hook_names(plugin),
            "from": declaring_class(found, plugin),
        }
        for plugin in found._declared
    ]
    signature = str(found._signature.signature)
    return {
        "class": found.name,
        "queue": found.queue,
        "perform": signature,
        **limits,
        "plugins": plugins,
    }


def plugin_repr(plugin: Plugin) -> str:
    """Return the repr of a plugin; never raises."""
    return safe_text(lambda: repr(plugin))


def declaring_class(found: type[Job], plugin: Plugin) -> str:
    """Return the name of the class that declares the plugin."""
    for owner in found.__mro__:
        if any(each is plugin for each in vars(owner).get("plugins", ())):
            return owner.__qualname__
    return "?"
