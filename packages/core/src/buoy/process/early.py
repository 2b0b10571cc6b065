"""Lets ``buoy worker`` end quietly from its first moment on, when a signal tells it to.

Without this, a signal would end it with a traceback or as a killed process until all modules are
imported. Other programs that import buoy are not affected.
"""

import os
import sys

COMMAND = "worker"


def starts_worker() -> bool:
    """Whether this process is ``buoy worker``, or ``python -m buoy worker``, about to start."""
    program, *words = sys.argv or [""]
    is_script = os.path.basename(program) == "buoy"  # noqa: PTH119 - pathlib takes long to import
    is_module = program == "-m" and "buoy" in sys.orig_argv[1:5]
    return (is_script or is_module) and COMMAND in words


if starts_worker():
    import signal

    def end(*_: object) -> None:
        os._exit(0)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, end)
