"""A heartbeat without a worker."""

from collections.abc import Callable, Sequence

from buoy.broker.broker import Broker
from buoy.model.reservation import Reservation
from buoy.settings import Settings
from buoy.worker.heartbeat import Heartbeat
from buoy.worker.in_flight import InFlight
from buoy.worker.registration import WorkerRegistration
from tests.support.fake_executor import FakeExecutor


def heartbeat_of(
    broker: Broker,
    on_change: Callable[[list[Reservation]], None] = lambda _: None,
    *,
    executor: FakeExecutor | None = None,
    deadline: float | None = None,
    nonempty_queues: Sequence[str] = (),
    leave: Callable[[int], object] | None = None,
) -> Heartbeat:
    """The heartbeat of a worker of one queue, as a thread that was not started."""
    heartbeat = Heartbeat(
        broker,
        executor or FakeExecutor(in_process=True),
        InFlight(),
        WorkerRegistration(broker, "one", queues="mail", executor="fake", slots=1),
        on_change=on_change,
        deadline=lambda: deadline,
        nonempty_queues=lambda: list(nonempty_queues),
        leave=leave,
    )
    heartbeat.serve(("mail",))
    return heartbeat


def nowhere(lease: float = 30.0) -> Broker:
    """A broker whose Redis is away."""
    return Broker(Settings(url="redis://127.0.0.1:1", lease=lease))
