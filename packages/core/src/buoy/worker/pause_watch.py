"""Watches for ``buoy pause``: the mark in Redis that lets no worker take jobs."""

import time
from collections.abc import Callable

from ..broker.broker import Broker
from ..errors import BrokerError
from ..process.logs import Log

logger = Log("buoy.worker")

LOOK_SECONDS = 1.0
"""Seconds between two looks at the mark."""
RETRY_SECONDS = 5.0
"""Seconds after a look that had no answer: on a cluster, only the node of the mark may be away."""


class PauseWatch:
    """Knows whether everything is paused, as of the last look. While the mark cannot be read, the
    last look counts.

    The heartbeat thread uses it; before that starts, the main thread does. ``on_change(paused)`` is
    called when that changes.
    """

    def __init__(
        self,
        broker: Broker,
        on_change: Callable[[bool], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.broker, self.on_change, self.clock = broker, on_change, clock
        self.paused = False
        self.next_look = float("-inf")

    def look_if_due(self) -> bool:
        """Look at the mark if the last look was LOOK_SECONDS ago. Returns whether everything was
        paused, or resumed, since then. Raises nothing."""
        if self.seconds_to_next() > 0:
            return False
        try:
            found = self.broker.worker_client.call("GET", self.broker.keys.paused()) is not None
        except BrokerError as error:
            logger.debug("it is not known whether everything is paused: %s", error)
            self.next_look = self.clock() + RETRY_SECONDS
            return False
        self.next_look = self.clock() + LOOK_SECONDS
        if found == self.paused:
            return False
        self.paused = found
        logger.info("everything is %s", "paused: no jobs are taken" if found else "resumed")
        self.on_change(found)
        return True

    def seconds_to_next(self) -> float:
        """Seconds until the next look; 0 or less if it is due."""
        return self.next_look - self.clock()
