from collections import Counter
from collections.abc import Mapping

import pytest

from buoy.worker.queue_selection import POLL, QueueSelector


class Hands:
    """Moved by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def selector(clock: Hands) -> QueueSelector:
    return QueueSelector(clock)


def serve(selector: QueueSelector, weights: Mapping[str, int], full: str) -> None:
    """Serve queues of which some, named by letters, never get empty."""
    selector.serve(tuple(weights), weights)
    selector.learn({queue: (int(queue in full), None) for queue in weights}, all_others=True)


def take(selector: QueueSelector, jobs: int, batch: int = 1) -> list[str]:
    """Take so many jobs, some at a time; the queues they came from."""
    taken: list[str] = []
    while len(taken) < jobs:
        queue = selector.choose()
        assert queue is not None
        selector.took(queue, batch)
        taken += [queue] * batch
    return taken


class TestOrder:
    def test_the_first_that_has_something_is_chosen(self, selector: QueueSelector) -> None:
        selector.serve(("a", "b", "c"))
        assert selector.choose() is None

        selector.learn({"b": (3, None), "c": (1, None)}, all_others=True)
        assert selector.choose() == "b"
        assert selector.choose({"b"}) == "c"
        assert selector.choose({"b", "c"}) is None

    def test_without_weights_nothing_is_shared(self, selector: QueueSelector) -> None:
        selector.serve(("a", "b"))
        selector.learn({"a": (1, None), "b": (1, None)}, all_others=True)

        assert set(take(selector, 50)) == {"a"}

    def test_a_ring_and_a_due_time_are_something(
        self, selector: QueueSelector, clock: Hands
    ) -> None:
        selector.serve(("a", "b"))
        selector.set_clock(5000.0)
        selector.learn({"a": (0, 5003.0)}, all_others=True)
        assert selector.choose() is None
        assert selector.seconds_to_next() == 3.0

        selector.rung("b")
        assert selector.choose() == "b"
        clock.now += 3
        assert selector.choose() == "a"
        assert selector.seconds_to_next() == 0.0

    def test_while_the_clock_is_unknown_any_due_time_is_something(
        self, selector: QueueSelector
    ) -> None:
        selector.serve(("a", "b"))
        selector.learn({"a": (0, None), "b": (0, 5003.0)}, all_others=True)
        assert selector.choose() == "b"

        selector.set_clock(5000.0)
        assert selector.choose() is None

    def test_without_due_times_it_can_wait(self, selector: QueueSelector) -> None:
        assert selector.seconds_to_next() == POLL


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

    def test_none_waits_longer_than_a_round(self, selector: QueueSelector) -> None:
        serve(selector, {"a": 5, "b": 1}, full="ab")

        taken = "".join(take(selector, 600))

        assert taken.count("a") == 500
        assert "aaaaaaaa" not in taken
        assert "bb" not in taken

    def test_what_an_empty_queue_leaves_is_shared_by_the_others(
        self, selector: QueueSelector
    ) -> None:
        serve(selector, {"a": 6, "b": 2, "c": 1}, full="bc")

        assert Counter(take(selector, 300)) == {"b": 200, "c": 100}

    def test_an_idle_queue_saves_up_nothing(self, selector: QueueSelector) -> None:
        serve(selector, {"a": 1, "b": 1}, full="b")
        take(selector, 1000)
        selector.rung("a")

        taken = Counter(take(selector, 100))

        assert abs(taken["a"] - taken["b"]) <= 2

    def test_nor_does_a_busy_one_owe_for_having_been_alone(self, selector: QueueSelector) -> None:
        serve(selector, {"a": 5, "b": 1}, full="b")
        take(selector, 1000)
        selector.rung("a")

        taken = Counter(take(selector, 600))

        assert abs(taken["b"] - 100) <= 1

    def test_a_queue_that_gave_nothing_is_not_charged(self, selector: QueueSelector) -> None:
        serve(selector, {"a": 1, "b": 1}, full="ab")
        selector.took("a", 0)

        assert take(selector, 2) == ["a", "b"]

    def test_new_queues_of_a_glob_join_in(self, selector: QueueSelector) -> None:
        serve(selector, {"a": 2, "b": 1}, full="ab")
        take(selector, 300)
        serve(selector, {"a": 2, "b": 1, "c": 3}, full="abc")

        assert Counter(take(selector, 600)) == {"a": 200, "b": 100, "c": 300}


def test_what_is_due_in_a_queue_that_is_cut_off_wakes_nobody(selector: QueueSelector) -> None:
    selector.serve(("there", "here"))
    selector.set_clock(1000.0)
    selector.learn({"there": (0, 900.0), "here": (0, 1007.0)}, all_others=True)
    assert selector.seconds_to_next() == 0
    assert selector.seconds_to_next({"there"}) == pytest.approx(7.0)
    assert selector.filled() == ["there", "here"]
