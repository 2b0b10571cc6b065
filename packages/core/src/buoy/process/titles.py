"""What ``ps`` and ``top`` show of a process, where the extra ``buoy[titles]`` is installed."""

import os
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any

from ..text.printable import one_line

# Without this, long titles overwrite what /proc shows as the environment of the process.
os.environ.setdefault("SPT_NOENV", "1")


def load_c_part() -> Any:
    """The C module of setproctitle; None when it is not installed.

    Its Python module would load logging, which makes each forked child slower; see logs.py.
    """
    package = find_spec("setproctitle")
    places = None if package is None else package.submodule_search_locations
    spec = None if places is None else PathFinder.find_spec("_setproctitle", places)
    if spec is None or spec.loader is None:
        return None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


setproctitle = load_c_part()


def set_title(text: str) -> None:
    """Have ``ps`` show what this process does now: ``nursery: shop`` as ``buoy nursery: shop``."""
    if setproctitle is not None:
        set_both_titles(text.partition(":")[0], text)


def set_both_titles(name: str, title: str) -> None:
    """Set the title that ``ps`` shows, and the name that ``top`` shows.

    The name must have no spaces. It is a field of /proc/self/stat, where Python counts words to
    find the number of threads: with a space, Python would warn of threads at each fork.
    """
    setproctitle.setproctitle(one_line(f"buoy {title}"))
    setproctitle.setthreadtitle(f"buoy-{name}")
