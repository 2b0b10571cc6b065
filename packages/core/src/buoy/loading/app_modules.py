"""Imports the modules that ``-a`` names."""

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
from .served_app import WantedApp, select_app


def start_app(names: Sequence[str], wanted: WantedApp) -> tuple[Any, Settings]:
    """Load the modules of an app for a worker. Returns the caller of their hooks, and the settings
    of the app. Raises ConfigurationError."""
    hooks = worker_relay(load_app(names))
    return hooks, select_app(wanted)


def load_app(names: Sequence[str]) -> list[ModuleType]:
    """Import modules, from the current directory first. Raises ConfigurationError."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    return [load_module(name) for name in names]


def load_module(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise ConfigurationError(
                f"-a: expected a module that can be imported from {Path.cwd()}, got {name!r} "
                f"({error})"
            ) from None
        raise import_failure(name, error) from error
    except BuoyError as error:
        raise ConfigurationError(f"{declaring_line(error) or name}: {error}") from error
    except Exception as error:
        raise import_failure(name, error) from error


def declaring_line(error: BuoyError) -> str | None:
    """Returns FILE:LINE of the statement in a module that raised the error; None if none did."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{each.filename}:{each.lineno}" for each in frames if each.name == "<module>"]
    return lines[-1] if lines else None


def import_failure(name: str, error: Exception) -> ConfigurationError:
    story = "".join(traceback.format_exception(error))
    return ConfigurationError(f"-a: {name!r} cannot be imported:\n{story}")
