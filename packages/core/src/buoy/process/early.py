"""Lets ``buoy worker`` end quietly from its first moment on, when a signal tells it to.

Without this, a signal would end it with a traceback or as a killed process until all modules are
imported. Other programs that import buoy are not affected.
"""

import os
import sys
from collections.abc import Callable

COMMAND = "worker"

steps_back: list[Callable[[], object]] = []
"""Each call lets one signal do what it did before."""


def starts_worker() -> bool:
    """Whether this process is ``buoy worker``, or ``python -m buoy worker``, about to start.

    Another command may have this word among its own, too: ``undo`` is for that.
    """
    program, *words = sys.argv or [""]
    is_script = os.path.basename(program) == "buoy"  # noqa: PTH119 - pathlib takes long to import
    is_module = program == "-m" and "buoy" in sys.orig_argv[1:5]
    return (is_script or is_module) and COMMAND in words and hasattr(os, "fork")


def undo() -> None:
    """Let signals do what they did before: the command is another one."""
    while steps_back:
        steps_back.pop()()


if starts_worker():
    import signal
    from functools import partial

    def end(*_: object) -> None:
        os._exit(0)

    steps_back += [
        partial(signal.signal, number, signal.signal(number, end))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
    ]
