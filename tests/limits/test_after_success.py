"""Limited jobs that follow others: they wait in line like any job, and none is lost."""

import pytest

from buoy import App, Job
from buoy.testing import FakeWorker, drain
from buoy_limits import Limit

done: list[tuple[str, int]] = []


class Pack(Job):
    queue = "warehouse"
    plugins = [Limit(at_once=1)]

    def perform(self, order: int) -> None:
        done.append(("packed", order))


class Charge(Job):
    queue = "payments"

    def perform(self, order: int) -> None:
        done.append(("charged", order))
        self.enqueue_after_success(Pack, order)


class Settle(Charge):
    """Shares its queue with what follows it."""

    queue = "warehouse"


@pytest.fixture(autouse=True)
def none_done(buoy_app: App) -> None:
    done.clear()


@pytest.mark.parametrize("parent", [Charge, Settle])
def test_they_wait_in_line_and_run_one_after_another(
    buoy_app: App, parent: type[Charge], caplog: pytest.LogCaptureFixture
) -> None:
    parent.enqueue_many([(order,) for order in range(3)])
    worker = FakeWorker(buoy_app, parent.queue)
    for _ in range(3):
        worker.run(worker.take())

    assert [view.args for view in buoy_app.monitor.peek("warehouse")] == [[0]]
    assert not [line for line in caplog.messages if "kept out" in line]
    assert drain(buoy_app) == {"done": 3}
    assert [order for what, order in done if what == "packed"] == [0, 1, 2]


def test_a_chain_goes_through_limits(buoy_app: App) -> None:
    chain = Pack.then(Pack, 10).then(Charge, 11)
    chain.enqueue(1)
    chain.enqueue(2)

    assert drain(buoy_app) == {"done": 8}
    assert sorted(done) == sorted(
        [("packed", order) for order in (1, 2, 10, 10, 11, 11)] + [("charged", 11)] * 2
    )
