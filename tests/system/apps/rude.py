"""An app that does as it likes in the process that loads it."""

import asyncio
import os
import signal
import threading
import time
from contextlib import suppress

from buoy import Job, hookimpl

from .record import note

if threading.current_thread() is threading.main_thread():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: note("deaf"))
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
threading.Thread(target=time.sleep, args=(30,)).start()
print("imported once;", end="")  # noqa: T201 - it stays in the buffer


@hookimpl
def before_fork() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("forks;", end="")  # noqa: T201


class Rude(Job):
    """Changes what signals do, and leaves an alarm behind."""

    queue = "rude"

    def perform(self) -> None:
        with suppress(ValueError):  # not in a thread
            signal.signal(signal.SIGALRM, lambda *_: 1 / 0)
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
                signal.signal(number, signal.SIG_IGN)
            signal.set_wakeup_fd(-1)

            async def listen() -> None:
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, int)

            asyncio.run(listen())
        note("ran", "rude")


class Sleeps(Job):
    queue = "rude"
    seconds = 0.5

    def perform(self) -> None:
        time.sleep(self.seconds)
        note("ran", str(os.getpid()))
