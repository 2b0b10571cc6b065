"""``buoy classes``."""

import click

from ..jobs.app_wide import SETTING
from ..jobs.hookspecs import WorkerHooks
from ..jobs.job import Job
from ..jobs.plugin import Plugin
from ..jobs.registry import registry
from ..jobs.relay import hook_names
from ..loading.app_modules import load_app
from ..model.limits import LIMITS
from ..text.safe import safe_text
from .job_class import named_class
from .options import app_option
from .output import as_array, json_option, print_line, print_rows
from .params import TEXT

COLUMNS = ("class", "queue", "tags", "plugins")


@click.command()
@click.argument("name", metavar="[CLASS]", type=TEXT, required=False)
@app_option(required=True)
@json_option
def classes(name: str | None, app: list[str], as_json: bool) -> None:
    """List the job classes of an app, or show what one of them declares.

    buoy asks the first plugin first; its wrapper begins first and ends last. App-wide plugins are
    in front.
    """
    load_app(app)
    if name is None:
        found = [registry[each] for each in sorted(registry)]
        rows = [declaration(each) if as_json else class_row(each) for each in found]
        print_rows(rows, COLUMNS, as_json=as_json, empty="no job classes in these modules")
        return
    chosen = named_class(name)
    if as_json:
        click.echo(as_array([declaration(chosen)]))
    else:
        print_class(chosen)


def class_row(found: type[Job]) -> dict[str, object]:
    """Returns a class as a row of the table."""
    plugins = ", ".join(type(plugin).__name__ for plugin in found._plugins())
    row = {"class": found.name, "queue": found.queue, "tags": list(found.tags)}
    return row | {"plugins": plugins or None}


def print_class(found: type[Job]) -> None:
    """Print what a class declares, and the order of its plugins."""
    print_line(f"{found.name}{found._signature.signature}")
    for field in ("queue", *LIMITS):
        value = getattr(found, field)
        if value is not None:
            print_line(f"  {field:11}{value}")
    if found.tags:
        print_line(f"  {'tags':11}{', '.join(found.tags)}")
    plugins = found._plugins()
    print_line("  plugins" if plugins else "  no plugins")
    for number, plugin in enumerate(plugins, 1):
        print_line(f"  {number:3}. {plugin_repr(plugin)}")
        hooks = ", ".join(called_hooks(found, plugin)) or "no hooks"
        print_line(f"       {hooks}; from {origin_of(found, plugin)}")


def declaration(found: type[Job]) -> dict[str, object]:
    """Returns what a class declares, as an object of the JSON output."""
    limits = {field: getattr(found, field) for field in LIMITS}
    plugins = [
        {
            "plugin": plugin_repr(plugin),
            "hooks": called_hooks(found, plugin),
            "from": origin_of(found, plugin),
        }
        for plugin in found._plugins()
    ]
    signature = str(found._signature.signature)
    return {
        "class": found.name,
        "queue": found.queue,
        "perform": signature,
        "tags": list(found.tags),
        **limits,
        "plugins": plugins,
    }


def plugin_repr(plugin: Plugin) -> str:
    """Returns the repr of a plugin; never raises."""
    return safe_text(lambda: repr(plugin))


def called_hooks(found: type[Job], plugin: Plugin) -> list[str]:
    """Returns the hooks of a plugin that are called: those of workers only if it is app-wide."""
    of_worker = set() if is_app_wide(found, plugin) else set(vars(WorkerHooks)) - {"before_exit"}
    return [name for name in hook_names(plugin) if name not in of_worker]


def is_app_wide(found: type[Job], plugin: Plugin) -> bool:
    return any(each is plugin for each in found.app.plugins)


def origin_of(found: type[Job], plugin: Plugin) -> str:
    """Returns the name of the class that declares the plugin; for an app-wide one "the app", or the
    setting that names it."""
    for owner in found.__mro__:
        if any(each is plugin for each in vars(owner).get("plugins", ())):
            return owner.__qualname__
    listed = any(each is plugin for each in found.app._listed_plugins)
    return "the app" if listed else SETTING
