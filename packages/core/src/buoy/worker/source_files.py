"""The source files of an app, and whether one of them has changed."""

import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

MOST_FILES = 20_000
"""How many files are watched, at most: somebody may work in the home directory."""
SKIPPED_FOLDERS = {"__pycache__", "node_modules", "site-packages", "dist-packages"}
CONFIG_FILES = ("buoy.toml", "pyproject.toml")

Stamp = tuple[int, int]
"""When a file was changed (ns), and its size."""


class SourceFiles:
    """The ``.py`` files below some folders, by default below the current one and below those from
    which Python imports, without those of Python itself and of installed packages."""

    def __init__(self, folders: Sequence[str] | None = None) -> None:
        self.folders = import_folders() if folders is None else list(folders)
        self.stamps = self.read()

    def changed(self) -> str | None:
        """The path of a file that was changed, added or removed since the last call; None if there
        is none."""
        before, self.stamps = self.stamps, self.read()
        if before == self.stamps:
            return None
        return min(path for path, _ in before.items() ^ self.stamps.items())

    def read(self) -> dict[str, Stamp]:
        found: dict[str, Stamp] = {}
        paths = (path for folder in self.folders for path in source_files(folder))
        for path in islice(paths, MOST_FILES):
            try:
                facts = os.stat(path)  # noqa: PTH116 - there may be thousands
            except OSError:  # it has just been removed
                continue
            found[path] = facts.st_mtime_ns, facts.st_size
        return found


def import_folders() -> list[str]:
    """The current folder, and those from which Python imports what is not installed."""
    names = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
    installed = tuple(sysconfig.get_paths()[name] for name in names)
    found = [str(Path.cwd())]
    for path in filter(os.path.isdir, sys.path):
        own = not f"{path}{os.sep}".startswith(tuple(f"{each}{os.sep}" for each in installed))
        if own and SKIPPED_FOLDERS.isdisjoint(Path(path).parts):
            found.append(path)
    return list(dict.fromkeys(found))


def source_files(folder: str) -> Iterator[str]:
    """The source files below a folder; not those in hidden folders and in virtual environments."""
    for where, folders, files in os.walk(folder):
        if "pyvenv.cfg" in files:
            folders.clear()
            continue
        folders[:] = [
            each for each in folders if each not in SKIPPED_FOLDERS and not each.startswith(".")
        ]
        for name in files:
            if name.endswith(".py") or (where == folder and name in CONFIG_FILES):
                yield os.path.join(where, name)  # noqa: PTH118
