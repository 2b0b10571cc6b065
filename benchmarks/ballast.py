"""Makes a process as large as a real app."""

import os
import sys
from pathlib import Path

BALLAST: list[list[dict[str, str]]] = []


def grow_to(megabytes: float) -> None:
    """Create Python objects until this process has that size; does nothing if it is larger."""
    while sys.platform == "linux" and resident() < megabytes:
        BALLAST.append([{"name": f"{len(BALLAST)}.{number}"} for number in range(1000)])


def resident() -> float:
    """Returns the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
