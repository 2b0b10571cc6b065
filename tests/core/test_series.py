"""What a queue has counted in each minute and each hour."""

import json

import pytest

from buoy.errors import ConfigurationError
from buoy.operations.counts import CountsAt
from tests.core.test_counts import payload, settlement
from tests.support.world import World

MINUTE, HOUR = 60_000, 3_600_000


@pytest.fixture
def steady(any_world: World) -> World:
    """A queue at the first second of an hour, at which a worker has looked."""
    any_world.wait(HOUR - any_world.now() % HOUR + 1000)
    any_world.beat()
    return any_world


def next_minute(world: World) -> None:
    """Go to the first second of the next minute, however long the test has taken in this one."""
    world.wait(MINUTE - world.now() % MINUTE + 1000)


def minutes(world: World) -> list[CountsAt]:
    return world.monitor.series("minute", [world.queue])


def hours(world: World) -> list[CountsAt]:
    return world.monitor.series("hour", [world.queue])


def work(world: World, name: str = "A", seconds: float = 0.5, number: int = 1) -> None:
    """Enqueue jobs of a class, and have them done."""
    made = world.broker.keys.part(world.queue, "made")
    for _ in range(number):
        id = str(world.broker.client.call("INCR", made))
        world.enqueue(id, payload=payload(name))
        world.trip(0, settlement(world.take_one(), "done", waited=0.002, seconds=seconds))


def test_a_minute_is_shown_while_it_lasts_and_kept_when_it_is_over(steady: World) -> None:
    start = steady.now() // MINUTE * 60
    work(steady, number=3)
    [still_open] = minutes(steady)

    steady.wait(MINUTE)
    steady.beat()

    [row] = minutes(steady)
    assert row == still_open
    assert hours(steady)[0].counts == row.counts
    assert row.at == start
    assert (row.counts.queue, row.counts.name) == (steady.queue, "A")
    assert (row.counts.enqueued, row.counts.done, row.counts.failed) == (3, 3, 0)
    assert (row.counts.waiting.buckets[2], row.counts.waiting.count) == (3, 3)
    assert (row.counts.running.count, row.counts.running.sum) == (3, 1.5)


def test_days_are_kept_for_a_year(steady: World) -> None:
    def days() -> list[int]:
        return [row.counts.done for row in steady.monitor.series("day", [steady.queue])]

    work(steady, number=2)
    assert days() == [2]
    steady.wait(24 * HOUR)
    work(steady, number=3)
    steady.beat()
    assert days() == [2, 3]

    steady.wait(366 * 24 * HOUR)
    steady.beat()
    assert days() == [3]


def test_series_are_read_from_a_time_of_their_own_for_each_queue(steady: World) -> None:
    for _ in range(3):
        work(steady)
        steady.wait(MINUTE)
        steady.beat()
    every = minutes(steady)
    since = {steady.queue: every[1].at, "another": 0.0}

    found = steady.monitor.series("minute", [steady.queue, "another"], since=since)

    assert found == every[1:]
    assert [row.is_open for row in found] == [False, False]
    work(steady)
    assert [row.is_open for row in minutes(steady)] == [False, False, False, True]


def test_each_minute_has_what_was_counted_in_it(steady: World) -> None:
    for number in (1, 2, 0, 4):
        work(steady, number=number)
        work(steady, "B", number=1 if number == 2 else 0)
        next_minute(steady)
        steady.trip(0)

    rows = [(row.counts.name, row.counts.done, row.counts.running.sum) for row in minutes(steady)]

    assert rows == [("A", 1, 0.5), ("A", 2, 1.0), ("B", 1, 0.5), ("A", 4, 2.0)]
    first, *_, last = minutes(steady)
    assert last.at - first.at == 180.0
    assert steady.monitor.series("minute", [steady.queue], since=last.at) == [last]
    assert steady.monitor.series("minute", [steady.queue], since=last.at + 1) == []
    assert steady.monitor.series("minute", ["another"]) == []


def test_the_sums_of_all_rows_are_the_counts(steady: World) -> None:
    for n in range(130):
        work(steady, seconds=n / 100)
        next_minute(steady)
        steady.beat()
    steady.wait(HOUR)
    steady.beat()

    [counts] = steady.monitor.counts([steady.queue])
    for rows in (minutes(steady), hours(steady)):
        total = rows[0].counts
        for row in rows[1:]:
            total += row.counts
        assert total.running.buckets == counts.running.buckets
        assert total.running.sum == pytest.approx(counts.running.sum)
        assert (total.enqueued, total.done) == (counts.enqueued, counts.done) == (130, 130)
    assert (len(minutes(steady)), len(hours(steady))) == (130, 3)


def test_minutes_are_kept_for_a_day_and_hours_for_31(steady: World) -> None:
    work(steady)
    steady.wait(MINUTE)
    steady.beat()

    steady.wait(24 * HOUR - 2 * MINUTE)
    steady.beat()
    assert (len(minutes(steady)), len(hours(steady))) == (1, 1)

    steady.wait(2 * MINUTE)
    steady.beat()
    assert (len(minutes(steady)), len(hours(steady))) == (0, 1)

    steady.wait(30 * 24 * HOUR - 2 * MINUTE)
    steady.beat()
    assert len(hours(steady)) == 1

    steady.wait(2 * HOUR)
    steady.beat()
    assert hours(steady) == []


def test_what_comes_while_nobody_looks_counts_when_somebody_looked_last(steady: World) -> None:
    start = steady.now() // MINUTE * 60
    steady.wait(10 * MINUTE)
    steady.enqueue("a", payload=payload("A"))
    steady.wait(10 * MINUTE)
    steady.beat()

    assert [(row.at, row.counts.enqueued) for row in minutes(steady)] == [(start, 1)]


def test_a_clock_that_jumps_back_loses_nothing(steady: World) -> None:
    for step in (MINUTE, -MINUTE, MINUTE, -3 * HOUR, MINUTE):
        work(steady)
        steady.wait(step)
        steady.beat()

    assert sum(row.counts.done for row in minutes(steady)) == 5


def test_counts_that_begin_anew_are_counted_anew(steady: World) -> None:
    work(steady, number=3)
    steady.wait(MINUTE)
    steady.beat()
    steady.call("HSET", "meta", "counts:A", "spoilt")
    work(steady)
    steady.wait(MINUTE)
    steady.beat()

    assert [row.counts.done for row in minutes(steady)] == [3, 1]


@pytest.mark.parametrize("field", ["minute:A", "classes", "enqueued:A"])
@pytest.mark.parametrize("text", ["", "x", "{", "[7]", "1 [", '9 {"done":"x","running":[1,{}]}'])
def test_spoilt_fields_stop_nothing(steady: World, field: str, text: str) -> None:
    work(steady)
    steady.call("HSET", "meta", field, text)
    steady.wait(MINUTE)

    assert steady.beat() == []
    steady.wait(MINUTE)
    work(steady)
    steady.wait(MINUTE)
    steady.beat()

    assert minutes(steady)[-1].counts.done >= 1


def test_rows_that_cannot_be_read_are_skipped(
    steady: World, caplog: pytest.LogCaptureFixture
) -> None:
    work(steady)
    steady.wait(MINUTE)
    steady.beat()
    number = steady.now() // MINUTE
    for row in ("x", "[]", json.dumps({"at": "x", "class": "A"}), json.dumps({"at": 1})):
        steady.call("ZADD", "minutes", number, row)
    steady.call("ZADD", "minutes", number, json.dumps({"at": number, "class": "A", "done": "x"}))

    assert [row.counts.done for row in minutes(steady)] == [1, 0]
    assert "expected counts, got" in caplog.text


def test_a_key_of_a_wrong_type_stops_nothing(steady: World) -> None:
    steady.call("SET", "minutes", "x")
    work(steady)
    steady.wait(HOUR)

    assert steady.beat() == []

    assert [row.counts.done for row in minutes(steady)] == [1]  # it is still counted as open
    assert [row.counts.done for row in hours(steady)] == [1]


def test_only_minutes_hours_and_days_are_kept(world: World) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^series\(period\): expected minute, hour, day, got"
    ):
        world.monitor.series("week")  # type: ignore[arg-type]


def test_due_times_of_jobs_that_are_gone_are_dropped(steady: World) -> None:
    steady.enqueue("a", payload=payload("A"), due="+1000")
    steady.wait(2000)
    steady.beat()
    steady.call("ZADD", "due", 1, "gone")

    steady.wait(MINUTE)
    steady.beat()

    assert steady.call("ZRANGE", "due", 0, -1) == [b"a"]
