"""Imports the modules that ``-a`` names."""

import importlib
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from ..errors import BuoyError, ConfigurationError
from ..jobs.relay import WorkerRelay
from ..settings import Settings
from .served_app import WantedApp, plugins_in_service, select_app


def start_app(names: Sequence[str], wanted: WantedApp) -> tuple[WorkerRelay, Settings]:
    """Load the modules of an app for a worker. Returns the caller of their hooks and of those of
    its plugins, and the settings of the app. Raises ConfigurationError or PluginError."""
    modules = load_app(names)
    settings = select_app(wanted)
    return WorkerRelay(modules, plugins_in_service()), settings


def load_app(names: Sequence[str]) -> list[ModuleType]:
    """Import modules, from the current directory first. Raises ConfigurationError."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    return [load_module(name) for name in names]


def load_module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            meant = meant_module(name)
            raise ConfigurationError(
                f"-a: expected a module that can be imported from {Path.cwd()}, got {name!r}"
                + (f"; say -a {meant}" if meant else f" ({error})")
            ) from None
        raise import_failure(name, error) from error
    except BuoyError as error:
        raise ConfigurationError(f"{declaring_line(error) or name}: {error}") from error
    except Exception as error:
        raise import_failure(name, error) from error


def meant_module(name: str) -> str | None:
    """Returns the module that was probably meant by a path (``shop/jobs.py``) or by the name of an
    object in it (``shop.jobs:app``); None if the name looks like a module."""
    path = name.partition(":")[0].removesuffix(".py")
    meant = ".".join(part for part in path.replace("\\", "/").split("/") if part not in ("", "."))
    words = meant.split(".")
    return meant if meant != name and all(word.isidentifier() for word in words) else None


def declaring_line(error: BuoyError) -> str | None:
    """Returns FILE:LINE of the statement in a module that raised the error; None if none did."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{each.filename}:{each.lineno}" for each in frames if each.name == "<module>"]
    return lines[-1] if lines else None


def import_failure(name: str, error: Exception) -> ConfigurationError:
    """Returns the error for a module that raises one: with a traceback that begins in that module,
    behind the frames of the import itself."""
    frames = error.__traceback__
    while frames and is_of_import(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    story = "".join(traceback.format_exception(type(error), error, frames))
    return ConfigurationError(f"-a: {name!r} cannot be imported:\n{story}")


def is_of_import(file: str) -> bool:
    """Returns whether a file holds code that imports modules."""
    return file in (__file__, importlib.__file__) or file.startswith("<frozen importlib")
