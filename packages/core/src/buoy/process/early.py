"""From its first moment on, ``buoy worker`` ends in peace when it is told to: Python's own way, a
traceback or a violent end, would last until all is imported. Programs that import buoy are let be.
"""

import os
import sys

COMMAND = "worker"


def starts_worker() -> bool:
    """Whether this process is ``buoy worker``, or ``python -m buoy worker``, about to start."""
    program, *words = sys.argv or [""]
    is_script = os.path.basename(program) == "buoy"  # noqa: PTH119 - pathlib takes a while
    is_module = program == "-m" and "buoy" in sys.orig_argv[1:5]
    return (is_script or is_module) and COMMAND in words


if starts_worker():
    import signal

    def end(*_: object) -> None:
        os._exit(0)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, end)
