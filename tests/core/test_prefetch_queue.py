"""How many jobs are reserved ahead, by how long jobs take."""

import pytest

from buoy.executor.prefetch_queue import PREFETCH_MOST, PREFETCH_SECONDS, PrefetchQueue
from buoy.model.reservation import Settlement
from tests.support.reservations import held, runs


class TestPrefetchQueue:
    def test_jobs_come_in_order_and_then_none(self) -> None:
        queue = PrefetchQueue()
        queue.waiting.extend(held("a", "b"))
        assert [queue.next(), queue.next(), queue.next()] == [*held("a", "b"), None]

    def test_what_waits_is_given_back_the_last_first(self) -> None:
        queue = PrefetchQueue()
        queue.waiting.extend(held("a", "b", "c"))
        queue.next()
        assert [(each.id, each.outcome) for each in queue.release_waiting()] == [
            ("c", "released"),
            ("b", "released"),
        ]
        assert queue.release_waiting() == []

    def test_what_has_ended_is_told_once(self) -> None:
        queue = PrefetchQueue()
        ended = [Settlement.of(each, "done") for each in held("a", "b")]
        queue.settlements.extend(ended)
        assert queue.take_finished() == ended
        assert queue.take_finished() == []

    def test_of_what_is_lost_only_what_waits_can_be_dropped(self) -> None:
        queue = PrefetchQueue()
        queue.waiting.extend(held("a", "b", "c"))
        queue.next()
        queue.drop(held("a", "b"))
        assert list(queue.waiting) == held("c")

    def test_a_run_is_known_by_its_token(self) -> None:
        queue = PrefetchQueue()
        old, new = runs("a")
        queue.waiting.extend([old, new])
        assert queue.drop([old]) == [old]
        assert list(queue.waiting) == [new]

    def test_pace_follows_longer_jobs_at_once_and_shorter_ones_slowly(self) -> None:
        queue = PrefetchQueue()
        queue.adapt_pace(10, 10.0)
        assert queue.seconds_each == 1.0
        queue.adapt_pace(1, 0.1)
        assert queue.seconds_each == pytest.approx(0.55)
        queue.adapt_pace(0, 5.0)
        assert queue.seconds_each == pytest.approx(0.55)

    def test_reserves_ahead_what_the_slots_run_in_a_moment(self) -> None:
        queue = PrefetchQueue()
        queue.seconds_each = PREFETCH_SECONDS / 4
        assert queue.prefetch_count(1) == 4
        assert queue.prefetch_count(10) == 40
        queue.seconds_each = 1e-6
        assert queue.prefetch_count(1) == PREFETCH_MOST
        queue.seconds_each = 1.0
        assert queue.prefetch_count(10) == 0

    def test_room_is_for_free_slots_and_some_more_in_large_steps(self) -> None:
        queue = PrefetchQueue()
        queue.seconds_each = PREFETCH_SECONDS / 4
        assert queue.capacity(2, running=0) == 2 + 8
        assert queue.capacity(2, running=2) == 8
        queue.waiting.extend(held(*"abcd"))
        assert queue.capacity(2, running=2) == 4
        queue.waiting.extend(held("e"))
        assert queue.capacity(2, running=2) == 0

    @pytest.mark.parametrize("slots", [1, 3, 10, 500])
    def test_behind_slow_jobs_nothing_is_fetched_until_some_have_ended(self, slots: int) -> None:
        queue = PrefetchQueue()
        queue.seconds_each = 0.001
        queue.slow_down(slots)
        assert queue.capacity(slots, running=slots) == 0
        assert queue.capacity(slots, running=slots - 1) == 1
        for _ in range(12):
            queue.adapt_pace(1, 0.001)
        assert queue.prefetch_count(slots) >= min(slots, PREFETCH_MOST)
