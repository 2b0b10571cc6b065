"""The process of the nursery: loads the app, and then forks a child for each job.

``python -m buoy.executor.fork.nursery_main FILE``, where FILE is the descriptor of the socket to
the worker.
"""

import atexit
import gc
import os
import signal
import socket
import sys
import traceback
from contextlib import suppress
from dataclasses import asdict
from typing import Any, NoReturn

from ...errors import BuoyError
from ...loading.app_modules import start_app
from ...loading.served_app import WantedApp
from ...model.failure import format_traceback
from ...process.logs import configure, enable_loggers
from ...process.system import die_with_parent, flush_outputs
from ...process.titles import set_title
from ...text.printable import print_uncaught
from ...text.safe import error_message
from .child import IGNORED, IGNORED_BY_NURSERY, set_signal, warm_up
from .frames import Frames, frame
from .nursery import Nursery
from .process_table import ProcessTable


class WorkerGoneError(Exception):
    """The worker ended before it sent its first order."""


def main(descriptor: int) -> NoReturn:
    """Serve the worker at the other end of this socket, then exit without waiting for the threads
    of the app."""
    code = 1
    try:
        serve(socket.socket(fileno=descriptor))
        code = 0
    except WorkerGoneError:
        pass
    except BaseException:  # noqa: BLE001 - printed, since the process ends
        traceback.print_exc()
    finally:
        with suppress(BaseException):
            atexit._run_exitfuncs()
        flush_outputs()
        os._exit(code)


def serve(control: socket.socket) -> None:
    """Load the app that the worker names, run jobs until the worker sends "close" or is
    gone, and call the app's hook worker_stopping."""
    ignore_signals()
    order = read_first_order(control)
    die_with_parent(order["worker"])
    configure(order["verbosity"])
    sys.excepthook = print_uncaught
    try:
        hooks, settings = start_app(order["app"], WantedApp(**order["wanted"]))
        hooks.worker_started()
    except BaseException as error:  # noqa: BLE001 - the worker must hear of it, whatever it is
        control.sendall(frame({"broken": describe(error)}))
        return
    enable_loggers()
    ignore_signals()  # again: the app may have set handlers
    set_title(f"nursery: {','.join(order['app'])}")
    flush_outputs()  # else each child would write the present content of the buffers
    warm_up()
    gc.collect()
    gc.freeze()
    nursery = Nursery(control, hooks, order["worker"], ProcessTable(order["table"]))
    control.sendall(frame({"ready": asdict(settings)}))
    try:
        nursery.serve()
    finally:
        nursery.end()
    hooks.worker_stopping()


def ignore_signals() -> None:
    """Ignore the signals that end processes: the worker handles them."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in IGNORED_BY_NURSERY:
        set_signal(number, IGNORED)


def read_first_order(control: socket.socket) -> dict[str, Any]:
    """The first order of the worker: which app to load."""
    frames = Frames()
    while data := control.recv(1 << 16):
        for order in frames.feed(data):
            return dict(order)
    raise WorkerGoneError


def describe(error: BaseException) -> str:
    """Why the app cannot be loaded: the message of buoy's own errors, the traceback of others."""
    if issubclass(type(error), BuoyError):
        return error_message(error)
    return "the app cannot be loaded:\n" + format_traceback(error)


if __name__ == "__main__":
    main(int(sys.argv[1]))
