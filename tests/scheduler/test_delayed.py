"""Delayed jobs; they need no daemon."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from buoy import App, ConfigurationError, InvalidArguments, Job, Later, Plugin, hookimpl
from buoy.testing import Clock, drain
from buoy_scheduler import Delayed, enqueue_at, enqueue_in, enqueue_many_at, enqueue_many_in

NAIVE = datetime(2090, 1, 1)  # noqa: DTZ001 - that is the point


class Remind(Job):
    queue = "mail"

    def perform(self, user_id: int, text: str = "hello") -> str:
        return f"{user_id} {text}"


class Wake(Job):
    queue = "bells"

    async def perform(self, hour: int) -> None: ...


class Identified(Remind):
    @classmethod
    def identify(cls, *args: Any, **kwargs: Any) -> str:
        return f"user {args[0]}"


class Again(Plugin):
    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later:
        return Later(60)


class Failing(Job):
    queue = "mail"
    plugins = [Again()]

    def perform(self) -> None:
        raise RuntimeError("not yet")


def args_of(found: Delayed) -> list[list[Any]]:
    return [view.args for view in found]


class TestEnqueueing:
    def test_enqueue_in_seconds(self, buoy_app: App, buoy_clock: Clock) -> None:
        handle = enqueue_in(3600, Remind, 42, text="hi")
        assert handle.state == "delayed"

        buoy_clock.advance(3000)
        assert drain(buoy_app) == {}
        buoy_clock.advance(600)
        assert drain(buoy_app) == {"done": 1}

    def test_enqueue_in_a_timedelta(self, buoy_app: App, buoy_clock: Clock) -> None:
        enqueue_in(timedelta(days=5), Remind, 42)

        buoy_clock.advance(timedelta(days=5))
        assert drain(buoy_app) == {"done": 1}

    def test_enqueue_at_a_time_to_the_millisecond(self, buoy_app: App) -> None:
        when = datetime(2090, 1, 31, 8, 0, 0, 123_456, timezone(timedelta(hours=2)))

        enqueue_at(when, Remind, 42)

        [view] = Delayed()
        assert view.at == datetime(2090, 1, 31, 6, 0, 0, 123_000, UTC).timestamp()

    def test_enqueue_at_a_past_time_enqueues_at_once(self, buoy_app: App) -> None:
        for year in (2020, 1960, 1):
            assert enqueue_at(datetime(year, 1, 1, tzinfo=UTC), Remind, 42).state == "queued"

    def test_enqueue_in_accepts_coroutine_jobs(self, buoy_app: App) -> None:
        assert enqueue_in(5, Wake, 8).queue == "bells"

    def test_enqueue_many_in_and_at_accept_rows(self, buoy_app: App, buoy_clock: Clock) -> None:
        rows = [(n,) for n in range(200)]

        enqueue_many_in(5, Remind, rows)
        enqueue_many_at(datetime.now(UTC) + timedelta(hours=1), Remind, rows)

        assert Delayed().count() == 400
        buoy_clock.advance(10)
        assert drain(buoy_app) == {"done": 200}

    def test_enqueue_at_accepts_epoch_seconds(self, buoy_app: App) -> None:
        enqueue_at(4_000_000_000, Remind, 42)
        enqueue_many_at(4_000_000_000.5, Remind, [(43,)])

        assert [view.at for view in Delayed()] == [4_000_000_000, 4_000_000_000.5]

    @pytest.mark.parametrize("function", [enqueue_at, enqueue_many_at])
    def test_enqueue_at_refuses_a_datetime_without_a_zone(
        self, buoy_app: App, function: Callable[..., object]
    ) -> None:
        with pytest.raises(InvalidArguments) as raised:
            function(NAIVE, Remind, [])

        assert str(raised.value) == (
            f"using: expected at with a time zone, got {NAIVE!r}; say at.astimezone()"
        )

    @pytest.mark.parametrize("when", [-1, 10**10, "tomorrow"])
    @pytest.mark.parametrize("function", [enqueue_at, enqueue_many_at])
    def test_enqueue_at_refuses_what_is_no_time(
        self, buoy_app: App, function: Callable[..., object], when: Any
    ) -> None:
        with pytest.raises(ConfigurationError) as raised:
            function(when, Remind, [])

        assert str(raised.value) == (
            "using(at): expected a datetime with its zone, or epoch seconds before the year 2286, "
            f"got {when!r}"
        )

    @pytest.mark.parametrize("delay", [-1, float("nan"), float("inf"), 10**10, "5", True])
    def test_enqueue_in_refuses_wrong_delays(self, buoy_app: App, delay: Any) -> None:
        with pytest.raises(ConfigurationError) as raised:
            enqueue_in(delay, Remind, 42)

        assert str(raised.value) == (
            f"using(delay): expected 0 or more seconds, less than 10 ** 10, got {delay!r}"
        )

    @pytest.mark.parametrize("function", [enqueue_in, enqueue_at, enqueue_many_in, enqueue_many_at])
    def test_a_delay_or_time_of_none_is_refused(
        self, buoy_app: App, function: Callable[..., object]
    ) -> None:
        with pytest.raises(ConfigurationError, match="expected a delay or a time, got None"):
            function(None, Remind, [])


@pytest.fixture
def some(buoy_app: App) -> list[str]:
    """Delayed jobs by the hour; the ids, the next due first."""
    calls: list[Any] = [(Remind, (1,)), (Wake, (2,)), (Remind, (3, "x")), (Remind, (1,))]
    return [enqueue_in(3600 * (n + 1), job, *args).id for n, (job, args) in enumerate(calls)]


class TestFinding:
    def test_delayed_jobs_of_all_queues_come_the_next_due_first(self, some: list[str]) -> None:
        assert [view.id for view in Delayed()] == some
        assert Delayed().count() == 4

    def test_delayed_finds_more_jobs_than_a_page(self, buoy_app: App) -> None:
        enqueue_many_in(60, Remind, [(n,) for n in range(1201)])

        assert len({view.id for view in Delayed()}) == 1201
        assert Delayed(where=lambda view: view.args[0] % 2 == 0).count() == 601

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            (Delayed(Remind), [0, 2, 3]),
            (Delayed(Remind.name), [0, 2, 3]),
            (Delayed("shop.Nothing"), []),
            (Delayed(Remind, (1,)), [0, 3]),
            (Delayed(Remind, (1, "hello")), []),
            (Delayed(Remind, (3, "x")), [2]),
            (Delayed(Remind.name, [3, "x"]), [2]),
            (Delayed(queue="bells"), [1]),
            (Delayed(Remind, queue="bells"), []),
            (Delayed(queue="nowhere"), []),
            (Delayed(where=lambda view: view.args[0] > 1), [1, 2]),
            (Delayed(Remind, where=lambda view: view.args[0] > 1), [2]),
            (Delayed(ids=[]), []),
            (Delayed(ids=["unknown"]), []),
        ],
    )
    def test_delayed_finds_the_jobs_that_match(
        self, some: list[str], wanted: Delayed, found: list[int]
    ) -> None:
        ids = [some[n] for n in found]

        assert [view.id for view in wanted] == ids
        assert wanted.count() == len(ids)
        assert sorted(wanted.remove()) == sorted(ids)
        assert sorted(view.id for view in Delayed()) == sorted(set(some) - set(ids))

    def test_delayed_finds_jobs_by_id(self, some: list[str]) -> None:
        assert [view.id for view in Delayed(ids=[some[3], some[1]])] == [some[1], some[3]]
        assert Delayed(Remind, ids=some).count() == 3

    @pytest.mark.parametrize("name", ["args", "ids"])
    @pytest.mark.parametrize("value", ["abc", 42])
    def test_delayed_refuses_args_and_ids_that_are_no_list(self, name: str, value: Any) -> None:
        with pytest.raises(InvalidArguments) as raised:
            Delayed(**{name: value})

        assert str(raised.value) == f"Delayed({name}): expected a list, got {value!r}"

    def test_delayed_does_not_find_a_queued_job(self, some: list[str]) -> None:
        handle = Remind.enqueue(1)

        assert Delayed(ids=[handle.id]).count() == 0
        assert Delayed(Remind, (1,)).count() == 2

    def test_delayed_matches_by_the_identifier_of_the_class(self, buoy_app: App) -> None:
        first = enqueue_in(60, Identified, 7, "a")
        second = enqueue_in(70, Identified, 7, "b")

        assert [view.id for view in Delayed(Identified, (7, "c"))] == [first.id, second.id]

    def test_delayed_finds_jobs_that_are_delayed_for_a_retry(self, buoy_app: App) -> None:
        Failing.enqueue()
        drain(buoy_app)

        assert [view.state for view in Delayed(Failing)] == ["delayed"]


class TestChanging:
    def test_move_makes_jobs_due_at_another_time(
        self, some: list[str], buoy_app: App, buoy_clock: Clock
    ) -> None:
        later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)

        assert sorted(Delayed(Remind, (1,)).move(later)) == sorted([some[0], some[3]])

        buoy_clock.advance(4 * 3600 + 1)
        assert drain(buoy_app) == {"done": 2}
        assert [view.at for view in Delayed()] == [later.timestamp()] * 2

    def test_move_refuses_a_time_without_a_zone(self, some: list[str]) -> None:
        with pytest.raises(InvalidArguments, match=r"^reschedule: expected at with a time zone, "):
            Delayed().move(NAIVE)

    def test_now_makes_jobs_due(self, some: list[str], buoy_app: App) -> None:
        assert Delayed(ids=[some[2]]).now() == [some[2]]
        assert drain(buoy_app) == {"done": 1}
        assert Delayed(ids=[some[2]]).now() == []

    def test_removed_jobs_never_run(
        self, some: list[str], buoy_app: App, buoy_clock: Clock
    ) -> None:
        assert sorted(Delayed().remove()) == sorted(some)
        buoy_clock.advance(5 * 3600)
        assert drain(buoy_app) == {}
        assert Delayed().remove() == []


def test_thousands_of_delayed_jobs_slow_nothing(buoy_app: App) -> None:
    """Each enqueueing sends what it sends to an empty queue, and no command reads many jobs."""

    def commands() -> list[str]:
        buoy_app.broker.registered.clear()  # else a slow machine does it again, after a minute
        buoy_app.command("CONFIG", "RESETSTAT")
        enqueue_in(10**6, Remind, 1)
        Remind.enqueue(1)
        stats = buoy_app.command("INFO", "commandstats").decode().splitlines()
        return sorted(line.partition(",")[0] for line in stats if ":" in line)

    commands()
    alone = commands()
    job = Remind.using(delay=10**6)
    job.enqueue_many([(n,) for n in range(20_000)])

    assert commands() == alone
    assert any("zrange:calls=1" in each for each in alone)  # the first delayed job, and no other
    assert Delayed().count() > 20_000
