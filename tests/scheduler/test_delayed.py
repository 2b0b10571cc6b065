"""Delayed jobs, without any daemon."""

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from buoy import App, InvalidArguments, Job, Later, Plugin, hookimpl
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
    def test_in_so_many_seconds(self, buoy_app: App, buoy_clock: Clock) -> None:
        handle = enqueue_in(5, Remind, 42, text="hi")
        assert handle.state == "delayed"

        buoy_clock.advance(4.9)
        assert drain(buoy_app) == {}
        buoy_clock.advance(0.2)
        assert drain(buoy_app) == {"done": 1}

    def test_in_a_timedelta(self, buoy_app: App, buoy_clock: Clock) -> None:
        enqueue_in(timedelta(days=5), Remind, 42)

        buoy_clock.advance(timedelta(days=5))
        assert drain(buoy_app) == {"done": 1}

    def test_at_a_time_to_the_millisecond(self, buoy_app: App) -> None:
        when = datetime(2090, 1, 31, 8, 0, 0, 123_456, timezone(timedelta(hours=2)))

        enqueue_at(when, Remind, 42)

        [view] = Delayed()
        assert view.at == datetime(2090, 1, 31, 6, 0, 0, 123_000, UTC).timestamp()

    def test_at_a_time_that_is_past_at_once(self, buoy_app: App) -> None:
        for year in (2020, 1960, 1):
            assert enqueue_at(datetime(year, 1, 1, tzinfo=UTC), Remind, 42).state == "queued"

    def test_coroutines_too(self, buoy_app: App) -> None:
        assert enqueue_in(5, Wake, 8).queue == "bells"

    def test_many(self, buoy_app: App, buoy_clock: Clock) -> None:
        rows = [(n,) for n in range(200)]

        enqueue_many_in(5, Remind, rows)
        enqueue_many_at(datetime.now(UTC) + timedelta(hours=1), Remind, rows)

        assert Delayed().count() == 400
        buoy_clock.advance(10)
        assert drain(buoy_app) == {"done": 200}

    @pytest.mark.parametrize("when", [NAIVE, 5, "tomorrow", None])
    def test_a_time_must_know_its_zone(self, buoy_app: App, when: Any) -> None:
        hint = "; say when.astimezone()" if isinstance(when, datetime) else ""
        for function, subject in ((enqueue_at, "enqueue_at"), (enqueue_many_at, "enqueue_many_at")):
            with pytest.raises(InvalidArguments) as raised:
                function(when, Remind, [])  # type: ignore[call-overload]
            assert str(raised.value) == (
                f"{subject}: expected a datetime with its zone, got {when!r}{hint}"
            )

    @pytest.mark.parametrize("delay", [-1, float("nan"), float("inf"), 10**10, "5", True, None])
    def test_a_delay_is_0_or_more(self, buoy_app: App, delay: Any) -> None:
        with pytest.raises(InvalidArguments) as raised:
            enqueue_in(delay, Remind, 42)

        assert str(raised.value) == (
            f"enqueue_in: expected 0 or more seconds, less than 10 ** 10, got {delay!r}"
        )


@pytest.fixture
def some(buoy_app: App) -> list[str]:
    """Delayed jobs by the hour; the ids, the next due first."""
    calls: list[Any] = [(Remind, (1,)), (Wake, (2,)), (Remind, (3, "x")), (Remind, (1,))]
    return [enqueue_in(3600 * (n + 1), job, *args).id for n, (job, args) in enumerate(calls)]


class TestFinding:
    def test_all_the_next_due_first_over_all_queues(self, some: list[str]) -> None:
        assert [view.id for view in Delayed()] == some
        assert Delayed().count() == 4

    def test_more_than_a_page(self, buoy_app: App) -> None:
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
    def test_those_that_fit(self, some: list[str], wanted: Delayed, found: list[int]) -> None:
        ids = [some[n] for n in found]

        assert [view.id for view in wanted] == ids
        assert wanted.count() == len(ids)
        assert sorted(wanted.remove()) == sorted(ids)
        assert sorted(view.id for view in Delayed()) == sorted(set(some) - set(ids))

    def test_by_id(self, some: list[str]) -> None:
        assert [view.id for view in Delayed(ids=[some[3], some[1]])] == [some[1], some[3]]
        assert Delayed(Remind, ids=some).count() == 3

    @pytest.mark.parametrize("name", ["args", "ids"])
    @pytest.mark.parametrize("value", ["abc", 42])
    def test_several_are_a_list(self, name: str, value: Any) -> None:
        with pytest.raises(InvalidArguments) as raised:
            Delayed(**{name: value})

        assert str(raised.value) == f"Delayed({name}): expected a list, got {value!r}"

    def test_a_job_that_waits_is_not_delayed(self, some: list[str]) -> None:
        handle = Remind.enqueue(1)

        assert Delayed(ids=[handle.id]).count() == 0
        assert Delayed(Remind, (1,)).count() == 2

    def test_by_an_identifier_of_ones_own(self, buoy_app: App) -> None:
        first = enqueue_in(60, Identified, 7, "a")
        second = enqueue_in(70, Identified, 7, "b")

        assert [view.id for view in Delayed(Identified, (7, "c"))] == [first.id, second.id]

    def test_jobs_that_wait_for_a_retry_are_among_them(self, buoy_app: App) -> None:
        Failing.enqueue()
        drain(buoy_app)

        assert [view.state for view in Delayed(Failing)] == ["delayed"]


class TestChanging:
    def test_to_another_time(self, some: list[str], buoy_app: App, buoy_clock: Clock) -> None:
        later = datetime.now(UTC) + timedelta(days=1)

        assert sorted(Delayed(Remind, (1,)).move(later)) == sorted([some[0], some[3]])

        buoy_clock.advance(4 * 3600 + 1)
        assert drain(buoy_app) == {"done": 2}
        assert [round(view.at or 0) for view in Delayed()] == [round(later.timestamp())] * 2

    def test_to_a_time_that_knows_its_zone(self, some: list[str]) -> None:
        with pytest.raises(InvalidArguments, match=r"^move: expected a datetime with its zone, "):
            Delayed().move(NAIVE)

    def test_now(self, some: list[str], buoy_app: App) -> None:
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
    """Measured against the same on an empty queue, generously."""

    def cost() -> float:
        started = time.perf_counter()
        for n in range(50):
            enqueue_in(10**6 + n, Remind, n)
            Remind.enqueue(n)
        return time.perf_counter() - started

    cost()
    alone = min(cost() for _ in range(3))
    job = Remind.using(delay=10**6)
    job.enqueue_many([(n,) for n in range(20_000)])

    assert min(cost() for _ in range(3)) < 3 * alone
    assert Delayed().count() > 20_000
