"""The app in the worker's own process: how it is loaded, and how its jobs are kept apart."""

import sys
from collections.abc import Callable, Sequence
from contextvars import Context
from threading import Thread

from ..errors import ConfigurationError
from ..jobs.relay import Relay, WorkerRelay
from ..jobs.run import settle_without_plugins
from ..loading.app_modules import start_app
from ..loading.served_app import WantedApp
from ..model.reservation import Reservation, Settlement
from ..process.stopping import stop_flag
from ..settings import Settings

Run = Callable[[Reservation, Relay | None], Settlement]

EXIT_SECONDS = 2.0
"""Seconds that the hooks before_exit have when a process is ended by force."""


def run_isolated(
    context: Context, run: Run, reservation: Reservation, app_hooks: Relay | None = None
) -> Settlement:
    """Run a job in a copy of the context, and return its settlement; never raises.

    ``app_hooks`` calls the hooks of the app-wide plugins, for a job that cannot be loaded.

    The next job sees neither the context variables nor the recursion limit that this one sets. An
    error that ``run`` itself does not catch was raised in this thread from outside: the job fails.
    """
    limit = sys.getrecursionlimit()
    try:
        settlement = context.copy().run(run, reservation, app_hooks)
    except BaseException as error:  # noqa: BLE001 - no slot may be lost
        sys.setrecursionlimit(limit)
        settlement = settle_without_plugins(reservation, error)
    if sys.getrecursionlimit() != limit:
        sys.setrecursionlimit(limit)
    return settlement


def tell_of_exit(hooks: WorkerRelay) -> None:
    """Call the hook before_exit of the app, in a thread of its own: the process ends after
    EXIT_SECONDS, whatever the hook does. What it raises is logged."""

    def call() -> None:
        if hooks.before_exit is not None:
            hooks.before_exit()
        if hooks.of_jobs is not None and hooks.of_jobs.before_exit is not None:
            hooks.of_jobs.before_exit()

    thread = Thread(target=call, name="buoy-exit", daemon=True)
    thread.start()
    thread.join(EXIT_SECONDS)


def load_in_process(
    executor: str, app: Sequence[str], wanted: WantedApp
) -> tuple[WorkerRelay, Settings]:
    """Load the modules of an app into this process.

    Returns the caller of its hooks, and its settings. Raises ConfigurationError when the app cannot
    be loaded, or replaces Python's threads.
    """
    stop_flag.set(False)
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
