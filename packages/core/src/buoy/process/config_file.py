"""The configuration file of this process: ``buoy.toml``, or ``[tool.buoy]`` of ``pyproject.toml``.

Without a file this costs two failing calls of ``stat``. pathlib and tomllib are loaded only for a
file that is there: a forked child is cheap because its parent is small.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ..errors import ConfigurationError
from ..text.safe import summarize_error

VARIABLE = "BUOY_CONFIG"
"""Names the file, instead of those in the current directory."""
OWN, PROJECT = "buoy.toml", "pyproject.toml"
"""The files that are looked for in the current directory; the first one that is there is used."""


@dataclass(frozen=True)
class ConfigFile:
    """A configuration file and the table of buoy in it. ``path`` is empty if there is no file."""

    path: str = ""
    table: Mapping[str, Any] = field(default_factory=dict)


NO_FILE = ConfigFile()

in_its_place: list[ConfigFile] = []
"""At most one: what ``use_settings`` has put into the place of the file."""


def use_settings(source: str, table: Mapping[str, Any]) -> None:
    """Let a table of settings take the place of the configuration file in this process.

    For packages that bring buoy into a framework with settings of its own. ``source`` is what
    messages call it. Apps that have read their settings before keep them.
    """
    in_its_place[:] = [ConfigFile(source, table)]


def read_config_file(environ: Mapping[str, str]) -> ConfigFile:
    """The configuration file of this process, or what has taken its place. Raises
    ConfigurationError if it cannot be read."""
    if in_its_place:
        return in_its_place[0]
    named = environ.get(VARIABLE)
    for name in [named] if named else [OWN, PROJECT]:
        path = os.path.abspath(name)  # noqa: PTH100 - see above
        try:
            stat = os.stat(path)  # noqa: PTH116
        except OSError as error:
            if named:
                raise unreadable(f"{VARIABLE}={named}", error) from None
            continue
        file = read(path, stat.st_mtime_ns, stat.st_size)
        if file is not None:
            return file
    return NO_FILE


@lru_cache(maxsize=8)
def read(path: str, changed_at: int, size: int) -> ConfigFile | None:
    """The file at this path; None for a ``pyproject.toml`` without ``[tool.buoy]``. The times of
    its change tell when it must be read again. Raises ConfigurationError."""
    is_project = os.path.basename(path) == PROJECT  # noqa: PTH119
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            content = file.read()
    except OSError as error:
        raise unreadable(path, error) from None
    if is_project and b"buoy" not in content:
        return None
    table = parse(path, content)
    if not is_project:
        return ConfigFile(path, table)
    tools = table.get("tool")
    if not isinstance(tools, dict) or "buoy" not in tools:
        return None
    if not isinstance(tools["buoy"], dict):
        got = type(tools["buoy"]).__name__
        raise ConfigurationError(f"{path}: tool.buoy: expected a table [tool.buoy], got {got}")
    return ConfigFile(path, tools["buoy"])


def parse(path: str, content: bytes) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        reason = summarize_error(error)
        raise ConfigurationError(f"{path}: expected TOML in UTF-8, got {reason}") from None


def unreadable(place: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{place}: expected a file that can be read, got: {error.strerror}")
