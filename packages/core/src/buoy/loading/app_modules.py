"""Loading an app: the modules that ``-a`` names."""

import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import BuoyError, ConfigurationError
from ..jobs.plugin import worker_relay
from ..settings import Settings
from .served_app import Wanted, serve


def start_app(names: Sequence[str], wanted: Wanted) -> tuple[Any, Settings]:
    """Load the modules of an app that a worker is to serve; returns the caller of their hooks and
    the settings of the app."""
    hooks = worker_relay(load_app(names))
    return hooks, serve(wanted)


def load_app(names: Sequence[str]) -> list[ModuleType]:
    """Import the modules, the current directory first on the path."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    return [load(name) for name in names]


def load(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise ConfigurationError(
                f"-a: expected a module that can be imported from {Path.cwd()}, got {name!r} "
                f"({error})"
            ) from None
        raise unloadable(name, error) from error
    except BuoyError as error:
        raise ConfigurationError(f"{line_of(error) or name}: {error}") from error
    except Exception as error:
        raise unloadable(name, error) from error


def line_of(error: BuoyError) -> str | None:
    """The line of the module that declares what is wrong."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{each.filename}:{each.lineno}" for each in frames if each.name == "<module>"]
    return lines[-1] if lines else None


def unloadable(name: str, error: Exception) -> ConfigurationError:
    story = "".join(traceback.format_exception(error))
    return ConfigurationError(f"-a: {name!r} cannot be imported:\n{story}")
