"""The app in the worker's own process: how it is loaded, and how its jobs are kept apart."""

import sys
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Any

from ..errors import ConfigurationError
from ..jobs.run import settle_without_plugins
from ..loading.app_modules import start_app
from ..loading.served_app import WantedApp
from ..model.reservation import Reservation, Settlement
from ..settings import Settings

Run = Callable[[Reservation], Settlement]


def run_isolated(context: Context, run: Run, reservation: Reservation) -> Settlement:
    """Run a job in a copy of the context, and return its settlement; never raises.

    The next job sees neither the context variables nor the recursion limit that this one sets. An
    error that ``run`` itself does not catch was raised in this thread from outside: the job fails.
    """
    limit = sys.getrecursionlimit()
    try:
        settlement = context.copy().run(run, reservation)
    except BaseException as error:  # noqa: BLE001 - no slot may be lost
        sys.setrecursionlimit(limit)
        settlement = settle_without_plugins(reservation, error)
    if sys.getrecursionlimit() != limit:
        sys.setrecursionlimit(limit)
    return settlement


def load_in_process(executor: str, app: Sequence[str], wanted: WantedApp) -> tuple[Any, Settings]:
    """Load the modules of an app into this process.

    Returns the caller of its hooks, and its settings. Raises ConfigurationError when the app cannot
    be loaded, or replaces Python's threads.
    """
    started = start_app(app, wanted)
    for library, patcher, is_patched in PATCHERS:
        patched = getattr(sys.modules.get(patcher), is_patched, None)
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
"""Libraries that replace Python's threads: name, module, and function that says whether they do."""
