"""Makes a process as large as an app would."""

import os
import sys

HELD: list[list[dict[str, str]]] = []


def grow_to(megabytes: float) -> None:
    """Hold so many Python objects that this process has that size; a larger one stays as it is."""
    while sys.platform == "linux" and resident() < megabytes:
        HELD.append([{"name": f"{len(HELD)}.{number}"} for number in range(1000)])


def resident() -> float:
    """How much memory this process holds, in MB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
