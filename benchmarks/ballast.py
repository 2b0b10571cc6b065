"""Makes a process as large as an app would."""

import os
import sys
from pathlib import Path

HELD: list[list[dict[str, str]]] = []


def grow_to(megabytes: float) -> None:
    """Hold so many Python objects that this process has that size; a larger one stays as it is."""
    while sys.platform == "linux" and resident() < megabytes:
        HELD.append([{"name": f"{len(HELD)}.{number}"} for number in range(1000)])


def resident() -> float:
    """How much memory this process holds, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
