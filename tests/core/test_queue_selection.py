from collections import Counter
from collections.abc import Mapping

import pytest

from buoy.worker.queue_selection import POLL_SECONDS, QueueSelector
from tests.support.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def selector(clock: ManualClock) -> QueueSelector:
    return QueueSelector(clock)


def serve(selector: QueueSelector, weights: Mapping[str, int], full: str) -> None:
    """Serve queues of which some, named by letters, never get empty."""
    selector.serve(tuple(weights), weights)
    selector.update({queue: (int(queue in full), None) for queue in weights}, all_seen=True)


def take(selector: QueueSelector, jobs: int, batch: int = 1) -> list[str]:
    """Take so many jobs, some at a time; the queues they came from."""
    taken: list[str] = []
    while len(taken) < jobs:
        queue = selector.choose()
        assert queue is not None
        selector.charge(queue, batch)
        taken += [queue] * batch
    return taken


class TestOrder:
    def test_the_first_queue_that_has_a_job_is_chosen(self, selector: QueueSelector) -> None:
        selector.serve(("a", "b", "c"))
        assert selector.choose() is None

        selector.update({"b": (3, None), "c": (1, None)}, all_seen=True)
        assert selector.choose() == "b"
        assert selector.choose({"b"}) == "c"
        assert selector.choose({"b", "c"}) is None

    def test_without_weights_the_first_queue_is_served_alone(self, selector: QueueSelector) -> None:
        selector.serve(("a", "b"))
        selector.update({"a": (1, None), "b": (1, None)}, all_seen=True)

        assert set(take(selector, 50)) == {"a"}

    def test_a_wakeup_and_a_due_time_make_a_queue_eligible(
        self, selector: QueueSelector, clock: ManualClock
    ) -> None:
        selector.serve(("a", "b"))
        selector.set_clock(5000.0)
        selector.update({"a": (0, 5003.0)}, all_seen=True)
        assert selector.choose() is None
        assert selector.seconds_to_next() == 3.0

        selector.expect_jobs("b")
        assert selector.choose() == "b"
        clock.now += 3
        assert selector.choose() == "a"
        assert selector.seconds_to_next() == 0.0

    def test_while_the_clock_of_redis_is_unknown_any_delayed_job_may_be_due(
        self, selector: QueueSelector
    ) -> None:
        selector.serve(("a", "b"))
        selector.update({"a": (0, None), "b": (0, 5003.0)}, all_seen=True)
        assert selector.choose() == "b"

        selector.set_clock(5000.0)
        assert selector.choose() is None

    def test_without_due_times_the_worker_waits_for_a_poll(self, selector: QueueSelector) -> None:
        assert selector.seconds_to_next() == POLL_SECONDS


class TestShares:
    @pytest.mark.parametrize("batch", [1, 7])
    @pytest.mark.parametrize(
        "weights", [{"a": 5, "b": 1}, {"b": 1, "a": 5}, {"a": 3, "b": 3, "c": 1}, {"a": 7, "b": 3}]
    )
    def test_each_queue_gets_its_share_in_the_long_run(
        self, selector: QueueSelector, weights: dict[str, int], batch: int
    ) -> None:
        serve(selector, weights, full="abc")
        rounds = 1000 * batch

        taken = Counter(take(selector, rounds * sum(weights.values()), batch))

        # A batch is taken as a whole: so much can be missing at the moment.
        for queue, weight in weights.items():
            assert abs(taken[queue] - rounds * weight) <= batch

    def test_no_queue_waits_longer_than_its_share(self, selector: QueueSelector) -> None:
        serve(selector, {"a": 5, "b": 1}, full="ab")

        taken = "".join(take(selector, 600))

        assert taken.count("a") == 500
        assert "aaaaaaaa" not in taken
        assert "bb" not in taken

    def test_the_share_of_an_empty_queue_goes_to_the_others(self, selector: QueueSelector) -> None:
        serve(selector, {"a": 6, "b": 2, "c": 1}, full="bc")

        assert Counter(take(selector, 300)) == {"b": 200, "c": 100}

    def test_a_queue_that_was_idle_does_not_catch_up(self, selector: QueueSelector) -> None:
        serve(selector, {"a": 1, "b": 1}, full="b")
        take(selector, 1000)
        selector.expect_jobs("a")

        taken = Counter(take(selector, 100))

        assert abs(taken["a"] - taken["b"]) <= 2

    def test_a_queue_that_was_served_alone_owes_nothing_to_the_others(
        self, selector: QueueSelector
    ) -> None:
        serve(selector, {"a": 5, "b": 1}, full="b")
        take(selector, 1000)
        selector.expect_jobs("a")

        taken = Counter(take(selector, 600))

        assert abs(taken["b"] - 100) <= 1

    def test_a_queue_that_gave_nothing_is_not_charged(self, selector: QueueSelector) -> None:
        serve(selector, {"a": 1, "b": 1}, full="ab")
        selector.charge("a", 0)

        assert take(selector, 2) == ["a", "b"]

    def test_a_new_queue_of_a_glob_gets_its_share(self, selector: QueueSelector) -> None:
        serve(selector, {"a": 2, "b": 1}, full="ab")
        take(selector, 300)
        serve(selector, {"a": 2, "b": 1, "c": 3}, full="abc")

        assert Counter(take(selector, 600)) == {"a": 200, "b": 100, "c": 300}


def test_a_due_job_in_an_unreachable_queue_wakes_nobody(selector: QueueSelector) -> None:
    selector.serve(("there", "here"))
    selector.set_clock(1000.0)
    selector.update({"there": (0, 900.0), "here": (0, 1007.0)}, all_seen=True)
    assert selector.seconds_to_next() == 0
    assert selector.seconds_to_next({"there"}) == pytest.approx(7.0)
    assert selector.nonempty_queues() == ["there", "here"]


def test_statuses_get_old_with_the_clock_and_with_other_queues(
    selector: QueueSelector, clock: ManualClock
) -> None:
    selector.serve(("a",))
    assert selector.is_older_than(1e9)
    selector.update({}, all_seen=True)
    clock.now += 1.0
    assert not selector.is_older_than(1.0)
    assert selector.is_older_than(0.9)
    assert selector.seconds_until_older_than(3.0) == 2.0

    selector.serve(("a",))
    assert not selector.is_older_than(1.0)
    selector.update({"a": (1, None)}, all_seen=False)
    selector.serve(("a", "b"))
    assert selector.is_older_than(1e9)
    selector.update({}, all_seen=True)
    selector.expire()
    assert selector.is_older_than(1e9)
