"""Which queues a worker serves: those that its list of queues means, of those that exist now."""

from collections.abc import Callable
from contextlib import suppress

from ..broker.broker import Broker
from ..errors import BrokerError
from ..model.queue_list import QueueList
from ..operations.monitor import Monitor
from .queue_selection import POLL_SECONDS, QueueSelector


class ServedQueues:
    """Keeps the selector of a worker up to date with the queues that exist.

    ``on_read(names)`` is told of the queues each time that they were read. ``clock`` returns
    seconds.
    """

    def __init__(
        self,
        broker: Broker,
        queues: QueueList,
        selector: QueueSelector,
        *,
        on_read: Callable[[tuple[str, ...]], object],
        clock: Callable[[], float],
    ) -> None:
        self.broker, self.queues, self.selector = broker, queues, selector
        self.on_read, self.clock = on_read, clock
        self.read_at = float("-inf")

    def refresh(self) -> None:
        """Read the names of all queues every POLL_SECONDS, if the list of queues has globs."""
        if self.clock() - self.read_at < POLL_SECONDS:
            return
        if self.queues.fixed and self.selector.queues:
            return
        with suppress(BrokerError):  # a round trip will log it
            self.read()

    def read(self) -> None:
        """Serve the queues that exist now. Raises BrokerError if Redis cannot be reached."""
        self.read_at = self.clock()
        known = [] if self.queues.fixed else Monitor(self.broker, brisk=True).queue_names()
        names = self.queues.resolve({*known, *self.selector.nonempty_queues()})
        self.selector.serve(names, self.queues.weights_of(names))
        self.on_read(names)
