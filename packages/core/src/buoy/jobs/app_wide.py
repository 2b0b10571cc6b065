"""App-wide plugins: those that an app lists, and those of the setting ``plugins``."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from ..errors import ConfigurationError
from ..model.checks import short_repr
from ..text.safe import summarize_error
from .plugin import Plugin, merge_plugins, plugin_tuple
from .relay import relay

SETTING = "plugins (BUOY_PLUGINS)"
EXAMPLE = "such as buoy_sentry:Sentry"


def listed_plugins(plugins: Iterable[Any]) -> tuple[Plugin, ...]:
    """Returns the plugins that an app lists; raises PluginError for what is no plugin."""
    listed = plugin_tuple(plugins, "App")
    merge_plugins([("App", listed)])
    return listed


def app_wide_plugins(listed: tuple[Plugin, ...], setting: str) -> tuple[Plugin, ...]:
    """Returns the app-wide plugins of an app: those of the setting first, then those that it lists.

    A plugin that the app lists replaces one of the setting, and Without removes one. Raises
    PluginError or ConfigurationError.
    """
    merged = merge_plugins([(SETTING, plugins_of_setting(setting)), ("App", listed)])
    relay(merged)  # raises PluginError for a hook that there is not
    return merged


def plugins_of_setting(setting: str) -> list[Plugin]:
    """Returns the plugins that the setting names; raises ConfigurationError."""
    return [find_plugin(name) for word in setting.split(",") if (name := word.strip())]


def find_plugin(name: str) -> Plugin:
    """Returns the plugin of this name, ``module:name``; raises ConfigurationError."""
    module, colon, path = name.partition(":")
    if not (module and colon and path):
        raise ConfigurationError(f"{SETTING}: expected module:name, {EXAMPLE}, got {name!r}")
    found = load(module, name)
    try:
        for part in path.split("."):
            found = getattr(found, part)
        made = found() if isinstance(found, type) and issubclass(found, Plugin) else found
    except AttributeError as error:
        raise ConfigurationError(f"{SETTING}: expected {path!r} in {module}: {error}") from error
    except Exception as error:
        raise ConfigurationError(
            f"{SETTING}: {name!r}: expected a plugin, or a class of plugins that is made without "
            f"arguments, got an error: {summarize_error(error)}"
        ) from error
    if not isinstance(made, Plugin):
        raise ConfigurationError(
            f"{SETTING}: {name!r}: expected a plugin or a class of plugins, got {short_repr(made)}"
        )
    return made


def load(module: str, name: str) -> Any:
    try:
        return import_module(module)
    except Exception as error:
        raise ConfigurationError(
            f"{SETTING}: {name!r}: expected a module that can be imported, got an error: "
            f"{summarize_error(error)}"
        ) from error
