"""Keeps the limits of the jobs that run in children."""

import time
from collections.abc import Callable, Iterable

from .child_state import NEVER, Child

WEIGH_SECONDS = 0.1
"""Seconds between two looks at the memory of a job that has a limit."""

LONGEST_SLEEP = 86_400.0
"""Seconds. poll takes milliseconds that a C int can hold."""


def keep_limits(children: Iterable[Child], terminate: Callable[[Child, str], object]) -> int | None:
    """End the children that exceed a limit. Returns the milliseconds until the next look, or None
    when no child has a limit.

    ``terminate`` sends TERM to a child, for a reason: first that, then KILL.
    """
    now = time.monotonic()
    then = NEVER
    for child in children:
        if child.has_memory_limit:
            if child.is_too_large():
                child.kill("memory")
            then = min(then, now + WEIGH_SECONDS)
        if now >= child.deadline:
            if child.answered or child.ended_for:
                child.kill_late()
            else:
                terminate(child, "timeout")
        then = min(then, child.deadline)
    return None if then == NEVER else int(min(then - now, LONGEST_SLEEP) * 1000) + 1
