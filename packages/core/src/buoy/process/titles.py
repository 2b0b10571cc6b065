"""What process lists show of each process, where the extra ``buoy[titles]`` is installed."""

import os
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any

from ..text.printable import one_line

# Long titles would else be written over what /proc shows as the environment.
os.environ.setdefault("SPT_NOENV", "1")


def part_in_c() -> Any:
    """The part of setproctitle that does it, if it is installed. The other part would load
    logging, which each forked child would pay for; see logs.py."""
    package = find_spec("setproctitle")
    places = None if package is None else package.submodule_search_locations
    spec = None if places is None else PathFinder.find_spec("_setproctitle", places)
    if spec is None or spec.loader is None:
        return None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


setproctitle = part_in_c()


def show(text: str) -> None:
    """Let process lists show what this process does now."""
    if setproctitle is not None:
        entitle(text.partition(":")[0], text)


def entitle(name: str, title: str) -> None:
    """Set what ``ps`` shows, and the short name that ``top`` shows.

    The name has no spaces: Python finds the number of threads by counting words in
    /proc/self/stat, where the name stands, too. It would warn at each fork of threads that there
    are not.
    """
    setproctitle.setproctitle(one_line(f"buoy {title}"))
    setproctitle.setthreadtitle(f"buoy-{name}")
