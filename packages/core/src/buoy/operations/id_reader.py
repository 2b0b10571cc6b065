"""Reads the ids of the jobs of a queue that are next in a state."""

from ..broker.script_arguments import decode_text
from ..connection.client import RedisSteps
from ..connection.twins import awaiting, blocking, steps_of
from .queued import read_queued
from .reader import Reader


class IdReader(Reader):
    """Reads ids. All methods raise BrokerError if Redis does not answer."""

    @blocking
    def queued_ids(self, queue: str, count: int) -> RedisSteps[list[str]]:
        """Returns the ids of the next ``count`` queued jobs, in their order."""
        return [decode_text(id) for id in (yield from read_queued(self, queue, 0, count - 1))]

    aqueued_ids = awaiting(queued_ids)

    @blocking
    def delayed_ids(self, queue: str, count: int) -> RedisSteps[list[str]]:
        """Returns the ids of the ``count`` delayed jobs that are due next."""
        return self.first_ids(queue, "delayed", count)

    adelayed_ids = awaiting(delayed_ids)

    @blocking
    def blocked_ids(self, queue: str, count: int) -> RedisSteps[list[str]]:
        """Returns the ids of the ``count`` jobs that have been blocked for longest."""
        return self.first_ids(queue, "blocked", count)

    ablocked_ids = awaiting(blocked_ids)

    def first_ids(self, queue: str, part: str, count: int) -> RedisSteps[list[str]]:
        ids = yield from steps_of(self.ask, self.keys.part(queue, part), "ZRANGE", 0, count - 1)
        return [decode_text(id) for id in ids or ()]
