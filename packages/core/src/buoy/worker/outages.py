"""The queues that a worker cannot reach, or that Redis refuses, and when it tries them again."""

import math
from collections.abc import Collection, Sequence

from ..connection.backoff import Backoff
from ..errors import BrokerError, Unavailable
from ..process.logs import Log

logger = Log("buoy.worker")


class Outages:
    """For each failing queue the pause before the next try. Logs when an outage begins and when it
    ends. Only the main thread uses it."""

    def __init__(self) -> None:
        self.backoffs: dict[str, Backoff] = {}
        self.refusals: dict[str, str] = {}
        """The queues where Redis answers with an error, and that error."""

    def record(self, queue: str, error: BrokerError | None) -> None:
        """Remember how a round trip to the queue went; ``error`` is None if it went well."""
        if error is not None:
            self.log(queue, error)
            self.backoffs.setdefault(queue, Backoff()).fail()
        elif self.backoffs.pop(queue, None):
            if self.refusals.pop(queue, None):
                logger.warning("queue=%s works again", queue)
            elif not self.backoffs:
                logger.warning("Redis is back")

    def log(self, queue: str, error: BrokerError) -> None:
        """Log an outage once for all queues, since it concerns all; a refusal once for its queue,
        and again when the error changes."""
        if isinstance(error, Unavailable):
            if not self.backoffs:
                logger.warning("%s; trying again until it is back", error)
        elif self.refusals.get(queue) != str(error):
            self.refusals[queue] = str(error)
            logger.error("queue=%s is blocked: %s; trying again", queue, error)

    def queues(self) -> Collection[str]:
        """The failing queues. QUEUE_CHECK, which is no queue, may be among them."""
        return self.backoffs.keys()

    def may_try(self, queue: str) -> bool:
        """Whether the queue can be reached, or the pause after its last failure is over."""
        backoff = self.backoffs.get(queue)
        return backoff is None or backoff.seconds_left() <= 0

    def seconds_to_next_try(self) -> float:
        """Seconds until a failing queue is tried again; infinite if no queue fails."""
        return min((each.seconds_left() for each in self.backoffs.values()), default=math.inf)

    def with_wakeups(self, queues: Sequence[str]) -> list[str]:
        """Those of the queues whose wakeups can be waited for: none while Redis is away, and none
        that Redis refuses."""
        if self.backoffs.keys() - self.refusals.keys():
            return []
        return [queue for queue in queues if queue not in self.refusals]
