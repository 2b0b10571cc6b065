"""The app in the worker's own process: how it is loaded there, and how its jobs are kept apart."""

import sys
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Any

from ..errors import ConfigurationError
from ..jobs.run import settle_plainly
from ..loading.app_modules import start_app
from ..loading.served_app import Wanted
from ..model.reservation import Reservation, Settlement
from ..settings import Settings

Run = Callable[[Reservation], Settlement]


def run_apart(context: Context, run: Run, held: Reservation) -> Settlement:
    """Run a job in a context of its own: what it sets there, the next one must not find. Nor how
    deep it lets Python call. An error is one that was thrown into the thread from outside."""
    limit = sys.getrecursionlimit()
    try:
        settlement = context.copy().run(run, held)
    except BaseException as error:  # noqa: BLE001 - no slot may be lost
        sys.setrecursionlimit(limit)
        settlement = settle_plainly(held, error)
    if sys.getrecursionlimit() != limit:
        sys.setrecursionlimit(limit)
    return settlement


def load_here(executor: str, app: Sequence[str], wanted: Wanted) -> tuple[Any, Settings]:
    """Load an app into this process; returns the caller of its hooks, and its settings."""
    started = start_app(app, wanted)
    for library, patcher, says in PATCHERS:
        patched = getattr(sys.modules.get(patcher), says, None)
        if patched is not None and patched("threading" if library == "gevent" else "thread"):
            raise ConfigurationError(
                f"--executor {executor}: expected threads as Python has them, got those of "
                f"{library}'s monkey patches, with which a worker could not keep its leases: use "
                "--executor fork"
            )
    return started


PATCHERS = (
    ("gevent", "gevent.monkey", "is_module_patched"),
    ("eventlet", "eventlet.patcher", "is_monkey_patched"),
)
