"""What the checks of ``buoy doctor`` read."""

import time
from typing import TYPE_CHECKING

from ..connection.client import RawArg, RedisSteps, send_commands, single_reply, together
from ..errors import Unavailable
from .checkup import read_checkups
from .group_checks import read_incomplete_groups
from .handovers import read_open
from .queue_counts import read_sizes
from .worker_reader import read_workers

if TYPE_CHECKING:
    from ..app import App
    from .views import QueueView, WorkerView


class Inspection:
    """What the checks need, read once, by ``read``.

    ``now``: the clock of Redis, epoch seconds. ``skew``: by how many seconds, at least, this
    machine's clock is ahead of it; negative if it is behind. ``paused_since``: since when all is
    paused. ``queues``: the counts of queues that can be read.
    ``missed``: the errors of queues on nodes of a cluster that are away. ``handovers``: jobs on
    their way to other queues. ``groups``: those that are not complete. ``checkups``: the keys and
    failures of each of the other queues. ``workers``: all of them, or why they cannot be listed.
    """

    def __init__(self, app: "App") -> None:
        self.monitor, self.settings, self.broker = app.monitor, app.settings, app.broker

    def read(self) -> RedisSteps[None]:
        """Read it, in four round trips at most."""
        monitor = self.monitor
        ask: list[list[RawArg]] = [["INFO"], ["TIME"], ["GET", monitor.keys.paused()]]
        asked_at = time.time()
        self.names, (info, told, paused) = yield from together(
            monitor.read_queue_names(), send_commands(ask)
        )
        answered_at = time.time()
        lines = single_reply([info]).decode().splitlines()  # of a cluster: one node's
        self.info = {name: value for name, _, value in (line.partition(":") for line in lines)}
        seconds, micros = single_reply([told])
        self.now = int(seconds) + int(micros) / 1e6 + self.broker.clock_offset_ms / 1000
        self.skew = skew_between(asked_at, self.now, answered_at)
        since = monitor.readable(monitor.keys.paused(), paused)
        self.paused_since = None if since is None else monitor.number("paused", since) / 1000
        counted, self.checkups, self.workers, self.handovers, self.groups = yield from together(
            read_sizes(monitor, self.names),
            read_checkups(monitor, self.names, self.now),
            self.read_workers(),
            read_open(self.broker, self.names),
            read_incomplete_groups(monitor.keys, self.names),
        )
        self.missed = counted.missed
        self.queues = [
            view
            for view in counted.views
            if view.name in self.checkups and not self.checkups[view.name].wrong_keys
        ]

    def read_workers(self) -> RedisSteps["list[WorkerView] | Unavailable"]:
        """Returns all workers, or why they cannot be listed."""
        try:
            views, _ = yield from read_workers(self.monitor, self.names, ["state"])
        except Unavailable as error:
            return error
        return views

    def number(self, name: str) -> int:
        """Returns a number of INFO, or 0."""
        return int(self.info.get(name) or 0)

    def seconds_unserved(self, queue: "QueueView") -> float:
        """Returns the seconds since a worker last looked at the queue; inf if none ever did."""
        return float("inf") if queue.seen_at is None else self.now - queue.seen_at


def skew_between(asked_at: float, told: float, answered_at: float) -> float:
    """Returns by how many seconds, at least, a clock is ahead of another one that was asked for its
    time, and told it; 0.0 if they may agree, since the answer took some time."""
    return max(asked_at - told, 0.0) + min(answered_at - told, 0.0)
