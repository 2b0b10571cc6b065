"""The nursery: a lean process that has loaded the app, and forks a child for each job."""

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
from ...loading.served_app import Wanted
from ...model.failure import TRACEBACK_LIMIT, traceback_from
from ...process.logs import configure, enable
from ...process.system import die_with, flush_outputs
from ...process.titles import show
from ...text.printable import tell
from ...text.safe import cut, message_of
from .board import Board
from .child import DEAF_TO, IGNORED, rehearse, set_signal
from .forking import Nursery, reported
from .frames import Frames, frame


def main(descriptor: int) -> NoReturn:
    """Load the app as the worker says, serve it, and end without waiting for its threads."""
    code = 1
    try:
        live(socket.socket(fileno=descriptor))
        code = 0
    except BaseException:  # noqa: BLE001 - its last words
        traceback.print_exc()
    finally:
        with suppress(BaseException):
            atexit._run_exitfuncs()
        flush_outputs()
        os._exit(code)


def live(control: socket.socket) -> None:
    be_deaf()
    order = first_order(control)
    die_with(order["worker"])
    configure(order["verbosity"])
    sys.excepthook = tell
    try:
        hooks, settings = start_app(order["app"], Wanted(**order["wanted"]))
        hooks.worker_started()
    except BaseException as error:  # noqa: BLE001 - the worker must hear of it, whatever it is
        control.sendall(frame({"broken": told(error)}))
        return
    enable()
    be_deaf()  # again: the app may have ears of its own
    show(f"nursery: {','.join(order['app'])}")
    flush_outputs()  # what is in the buffers now is not for each child to say
    rehearse()
    gc.collect()
    gc.freeze()
    nursery = Nursery(control, hooks, order["worker"], Board(order["board"]))
    control.sendall(frame({"ready": asdict(settings)}))
    try:
        nursery.serve()
    finally:
        nursery.end()
    with reported("the app's hook worker_stopping"):
        hooks.worker_stopping()


def be_deaf() -> None:
    """Leave the signals that end processes to the worker."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in DEAF_TO:
        set_signal(number, IGNORED)


def first_order(control: socket.socket) -> dict[str, Any]:
    frames = Frames()
    while data := control.recv(1 << 16):
        for order in frames.feed(data):
            return dict(order)
    sys.exit(1)


def told(error: BaseException) -> str:
    if issubclass(type(error), BuoyError):
        return message_of(error)
    return "the app cannot be loaded:\n" + cut(traceback_from(error, None), TRACEBACK_LIMIT)


if __name__ == "__main__":
    main(int(sys.argv[1]))
