"""The thread of ``buoy top`` that talks to Redis: the screen never waits for it."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from ...errors import BuoyError
from ...text.printable import one_line
from ...text.safe import summarize_error
from .reading import Snapshot, read

if TYPE_CHECKING:
    from ...app import App

Act = Callable[[], str]
"""Does something in Redis; returns a line that says what it did."""


class RedisThread(threading.Thread):
    """Reads Redis every ``interval`` seconds, and after each act.

    It calls, in this thread: ``show`` with each snapshot, ``say`` with what an act did,
    ``complain`` with why Redis could not be read or an act was not done.
    """

    def __init__(
        self,
        app: "App",
        interval: float,
        *,
        show: Callable[[Snapshot], object],
        say: Callable[[str], object],
        complain: Callable[[str], object],
    ) -> None:
        super().__init__(name="buoy-top-redis", daemon=True)  # a server may hang: end without it
        self.app, self.interval = app, interval
        self.show, self.say, self.complain = show, say, complain
        self.acts: SimpleQueue[Act | None] = SimpleQueue()

    def do(self, act: Act) -> None:
        """Let the thread do this as soon as it can."""
        self.acts.put(act)

    def stop(self) -> None:
        """Let the thread end; does not wait for it."""
        self.acts.put(None)

    def run(self) -> None:
        while True:
            self.guarded(lambda: self.show(read(self.app)))
            try:
                act = self.acts.get(timeout=self.interval)
            except Empty:
                continue
            if act is None:
                return
            self.guarded(lambda: self.say(one_line(act())))  # noqa: B023 - called at once

    def guarded(self, step: Callable[[], object]) -> None:
        """Do a step, or tell why it failed: the next one may work."""
        try:
            step()
        except BuoyError as error:
            self.complain(one_line(str(error)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the screen stays
            self.complain(one_line(summarize_error(error)))
