"""A worker in the middle of its work, with an executor of the test."""

from buoy.model.queue_list import QueueList
from buoy.model.reservation import Reservation
from buoy.worker.worker import Worker
from tests.support.clock import ManualClock
from tests.support.fake_executor import FakeExecutor
from tests.support.world import World

MAIL = QueueList.parse("mail")


class WorkerAtWork:
    """A worker in the middle of its work."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.executor = FakeExecutor()
        self.worker = Worker(world.broker, self.executor, MAIL, grace=25.0)
        self.clock = ManualClock()
        self.worker.lifecycle.clock = self.clock
        self.worker.lifecycle.start()
        self.worker.served_queues.read()
        self.worker.round_trips.run_once(0)  # it has looked at its queue

    def take(self, wanted: int = 2) -> list[Reservation]:
        """Reserve jobs, and do not start them. A worker whose last look is old looks first."""
        for _ in range(10):
            self.worker.selector.expect_jobs("mail")
            if taken := self.worker.round_trips.run_once(wanted):
                return taken
        raise AssertionError("no job was reserved")

    def run_jobs(self, *names: str) -> list[Reservation]:
        """Enqueue, reserve and start jobs."""
        self.world.enqueue(*names)
        taken = self.take(len(names))
        self.worker.start_jobs(taken)
        return taken
