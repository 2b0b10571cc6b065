"""What process lists show of each process, where the extra ``buoy[titles]`` is installed."""

import os
from collections.abc import Callable

from .job import Job
from .reservation import Reservation

# Long titles would else be written over what /proc shows as the environment.
os.environ.setdefault("SPT_NOENV", "1")

set_title: Callable[[str], None] | None
try:
    from setproctitle import setproctitle as set_title
except ImportError:
    set_title = None


def show(text: str) -> None:
    """Let process lists show what this process does now."""
    if set_title is not None:
        set_title(f"buoy {text}")


def show_job(held: Reservation, job: Job) -> None:
    """Let them show which job it runs."""
    if set_title is not None:
        show(f"job: {job.payload.name} {held.id} from {held.queue}")
