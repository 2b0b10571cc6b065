"""What operators and plugins do with jobs by the app: cancel, reschedule, release, move."""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner, Result

from buoy import (
    App,
    ClaimHeld,
    ConfigurationError,
    EnqueueError,
    InvalidArguments,
    Job,
    Plugin,
    hookimpl,
)
from buoy.cli import main
from buoy.connection.client import RedisSteps
from buoy.jobs.building import build_job
from buoy.jobs.facts import facts
from buoy.model.options import Options
from buoy.model.reservation import RoundTripRequest
from buoy.operations.move import Move
from buoy.testing import Clock, drain

ran: list[Any] = []


@dataclass(frozen=True)
class Claiming(Plugin):
    """Claims a place of the first argument."""

    insists: bool = False

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        conflict: Any = "raise" if self.insists else "skip"
        job.transition.claim(f"place {job.payload.args[0]}", on_conflict=conflict)
        job.transition.latest("last")


class Charge(Job):
    queue = "purchasing"
    plugins = [Claiming()]

    def perform(self, purchase_id: int) -> None:
        ran.append(purchase_id)


class Strict(Charge):
    plugins = [Claiming(insists=True)]


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()


class TestClaims:
    def test_a_claim_with_on_conflict_raise_is_an_error(self, buoy_app: App) -> None:
        first = Strict.enqueue(1)

        with pytest.raises(ClaimHeld) as told:
            Strict.enqueue(1)

        assert str(told.value) == (
            f"{Strict.name}: expected no other job to hold its claim in queue 'purchasing', "
            f"but job {first.id} holds it"
        )
        assert (told.value.handle.state, told.value.handle.holder) == ("exists", first.id)

    def test_rows_beside_one_whose_claim_is_held_are_enqueued(self, buoy_app: App) -> None:
        Strict.enqueue(2)

        with pytest.raises(ClaimHeld):
            Strict.enqueue_many([(1,), (2,), (3,)])

        assert drain(buoy_app) == {"done": 3}

    def test_the_holder_enqueued_again_is_no_conflict(self, buoy_app: App) -> None:
        Strict.using(id="one").enqueue(1)

        assert Strict.using(id="one").enqueue(1).state == "exists"

    def test_claims_can_be_listed_and_released(self, buoy_app: App) -> None:
        handle = Charge.enqueue(1)

        found = {(view.claim, view.id) for view in buoy_app.monitor.claims("purchasing")}

        assert found == {("place 1", handle.id), ("last", handle.id)}
        assert buoy_app.release("purchasing", "place 1") == handle.id
        assert buoy_app.release("purchasing", "place 1") is None
        assert Charge.enqueue(1).state == "queued"
        assert drain(buoy_app) == {"done": 2}
        assert list(buoy_app.monitor.claims("purchasing")) == []


class TestCancel:
    def test_a_job_is_ended_wherever_it_is(self, buoy_app: App) -> None:
        waiting, delayed = Charge.enqueue(1), Charge.using(delay=60).enqueue(2)

        assert buoy_app.cancel(waiting.id) == "queued"
        assert buoy_app.cancel(delayed.id, queue="purchasing") == "delayed"
        assert buoy_app.cancel(waiting.id) is None

        assert list(buoy_app.monitor.claims("purchasing")) == []

    def test_cancelling_a_running_job_ends_its_lease(self, buoy_app: App) -> None:
        handle = Charge.enqueue(1)
        [held] = buoy_app.broker.advance_queue(
            "one", RoundTripRequest("purchasing", 1, wanted=1)
        ).reservations
        key = buoy_app.key("purchasing", "note")

        assert buoy_app.cancel(handle.id, then=[["SET", key, "cancelled"]]) == "running"

        assert buoy_app.command("GET", key) == b"cancelled"
        assert buoy_app.broker.renew_leases({"purchasing": [held]}) == [held]


class TestReschedule:
    def test_a_delayed_job_is_due_at_another_time(self, buoy_app: App, buoy_clock: Clock) -> None:
        handle = Charge.using(at=datetime(2100, 1, 1, tzinfo=UTC)).enqueue(1)

        assert buoy_app.reschedule(handle.id, datetime(2090, 1, 1, tzinfo=UTC)) == [handle.id]

        [view] = buoy_app.monitor.delayed("purchasing")
        assert view.at == datetime(2090, 1, 1, tzinfo=UTC).timestamp()
        assert drain(buoy_app) == {}

    def test_a_delayed_job_is_rescheduled_to_now(self, buoy_app: App) -> None:
        one, two = (Charge.using(delay=60).enqueue(number) for number in (1, 2))

        assert buoy_app.reschedule([one.id, two.id, "unknown"]) == [one.id, two.id]

        assert drain(buoy_app) == {"done": 2}

    def test_a_time_without_a_zone_is_refused(self, buoy_app: App) -> None:
        with pytest.raises(InvalidArguments, match=r"^reschedule: expected at with a time zone, "):
            buoy_app.reschedule("a", datetime(2090, 1, 1))  # noqa: DTZ001 - that is the point


class TestNewer:
    def test_a_number_lets_one_job_in(self, buoy_app: App) -> None:
        handles = [
            Charge.using(newer=("tick", number)).enqueue(id)
            for id, number in enumerate([5, 5, 4, 6])
        ]

        assert [handle.state for handle in handles] == ["queued", "rejected", "rejected", "queued"]
        assert handles[1].reason == "the number of 'tick' is not newer"

    def test_newer_lets_one_job_in_when_pushed_by_name(self, buoy_app: App) -> None:
        states = [
            buoy_app.push("far.Away", [1], queue="far", newer=("tick", number)).state
            for number in (1, 1)
        ]

        assert states == ["queued", "rejected"]


class TestClaim:
    def test_a_job_that_is_built_may_bring_a_claim_beside_those_of_its_plugins(
        self, buoy_app: App
    ) -> None:
        jobs = [build_job(Charge, ([id], {}), Options()) for id in (1, 2)]
        for job in jobs:
            facts(job).claim = "entry"

        first, second = buoy_app.submit_many(jobs)

        assert (first.state, second.state, second.holder) == ("queued", "exists", first.id)
        assert {view.claim for view in buoy_app.monitor.claims("purchasing")} == {
            "entry",
            "place 1",
            "last",
        }


class TestPlugins:
    def test_plugins_run_scripts_and_commands_blocking_and_awaiting(self, buoy_app: App) -> None:
        Charge.using(id="a").enqueue(1)
        keys = buoy_app.broker.keys.queue("purchasing")

        async def both() -> list[Any]:
            found = await buoy_app.ascript("buoy.broker", "find", keys, [0, "a"])
            counted = await buoy_app.acommand("LLEN", buoy_app.key("purchasing", "queued"))
            await buoy_app.aclose()
            return [found[1], counted]

        assert buoy_app.script("buoy.broker", "find", keys, [0, "a"])[1] == b"queued"
        assert asyncio.run(both()) == [b"queued", 1]

    def test_a_key_of_no_queue_is_in_the_namespace(self) -> None:
        assert App(namespace="shop").global_key("cron", "entries") == "shop:cron:entries"

    def test_views_show_what_plugins_keep_with_a_job(self, buoy_app: App) -> None:
        handle = Charge.enqueue(1)
        view = buoy_app.find(handle.id)

        assert view is not None
        assert view.plugin_data == {}


def move(source: str, target: str, *options: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["queues", "move", source, target, *options])
    assert result.exit_code == code, result.output
    return result


class TestMove:
    def test_a_dry_run_only_says_how_many(self, buoy_app: App) -> None:
        Charge.enqueue(1)
        Charge.using(delay=60).enqueue_many([(2,), (3,)])

        said = move("purchasing", "slow", "--dry-run").output

        assert said == "purchasing: queued 1, delayed 2, would be moved to slow\n"
        buoy_app.command("ZADD", buoy_app.key("purchasing", "blocked"), 0, "blocked")
        said = move("purchasing", "slow", "--dry-run").output
        assert said == "purchasing: queued 1, blocked 1, delayed 2, would be moved to slow\n"
        [left] = buoy_app.monitor.queues(["purchasing"])
        assert (left.queued, left.delayed) == (1, 2)

    def test_queued_and_delayed_jobs_are_moved_in_order(self, buoy_app: App) -> None:
        handles = Charge.enqueue_many([(number,) for number in range(250)])
        delayed = Charge.using(delay=60).enqueue(999)
        due = buoy_app.monitor.delayed("purchasing")[0].at

        said = move("purchasing", "slow").output

        assert said == "251 jobs were moved from purchasing to slow\n"
        views = buoy_app.monitor.peek("slow", 0, 1000)
        assert [view.id for view in views] == [handle.id for handle in handles]
        assert [(v.id, v.at) for v in buoy_app.monitor.delayed("slow")] == [(delayed.id, due)]
        left, moved = buoy_app.monitor.queues(["purchasing", "slow"])
        assert (left.queued, left.delayed, left.running, left.done) == (0, 0, 0, 0)
        assert (moved.queued, moved.delayed) == (250, 1)
        assert drain(buoy_app) == {"done": 250}
        assert ran == list(range(250))

    def test_claims_move_with_their_jobs(self, buoy_app: App) -> None:
        handle = Charge.enqueue(1)

        move("purchasing", "slow")

        assert list(buoy_app.monitor.claims("purchasing")) == []
        assert buoy_app.monitor.holder("slow", "place 1") == handle.id

    def test_what_the_other_queue_does_not_take_stays_where_it_was(self, buoy_app: App) -> None:
        slow = Charge.using(queue="slow")
        holders = [slow.enqueue(1), slow.enqueue(3)]
        waiting, free = Charge.enqueue(1), Charge.enqueue(2)
        delayed = Charge.using(delay=60).enqueue(3)
        [before] = buoy_app.monitor.delayed("purchasing")

        result = move("purchasing", "slow", code=1)

        assert result.output.splitlines() == [
            "1 job was moved from purchasing to slow",
            f"{waiting.id} stays in purchasing: job {holders[0].id} holds its claim in slow",
            f"{delayed.id} stays in purchasing: job {holders[1].id} holds its claim in slow",
        ]
        assert [view.id for view in buoy_app.monitor.peek("purchasing")] == [waiting.id]
        [after] = buoy_app.monitor.delayed("purchasing")
        assert (after.id, after.at) == (delayed.id, before.at)
        assert buoy_app.monitor.peek("slow")[-1].id == free.id

    def test_jobs_that_cannot_be_moved_keep_their_order_over_several_pages(
        self, buoy_app: App
    ) -> None:
        slow = Charge.using(queue="slow")
        slow.enqueue_many([(n,) for n in range(450)])
        waiting = Charge.enqueue_many([(n,) for n in (*range(350), *range(500, 550))])
        delayed = Charge.using(delay=60).enqueue_many([(n,) for n in range(350, 450)])
        before = buoy_app.monitor.delayed("purchasing", 0, 100)

        result = move("purchasing", "slow", code=1)

        assert result.output.splitlines()[0] == "50 jobs were moved from purchasing to slow"
        left = buoy_app.monitor.peek("purchasing", 0, 1000)
        assert [view.id for view in left] == [handle.id for handle in waiting[:350]]
        after = buoy_app.monitor.delayed("purchasing", 0, 1000)
        assert {view.id for view in after} == {handle.id for handle in delayed}
        assert [(view.id, view.at) for view in after] == [(view.id, view.at) for view in before]
        moved = buoy_app.monitor.peek("slow", 450, 1000)
        assert [view.id for view in moved] == [handle.id for handle in waiting[350:]]
        named = [line.split()[0] for line in result.output.splitlines()[1:]]
        assert named == [handle.id for handle in (*waiting[:350], *delayed)]

    def test_a_few_that_stay_on_each_page_keep_their_order(self, buoy_app: App) -> None:
        Charge.using(queue="slow").enqueue_many([(n,) for n in range(0, 250, 10)])
        handles = Charge.enqueue_many([(n,) for n in range(250)])

        result = move("purchasing", "slow", code=1)

        assert result.output.splitlines()[0] == "225 jobs were moved from purchasing to slow"
        left = buoy_app.monitor.peek("purchasing", 0, 1000)
        assert [view.id for view in left] == [handle.id for handle in handles[::10]]
        assert buoy_app.monitor.running_jobs() == []

    def test_jobs_behind_those_that_stay_are_moved(self, buoy_app: App) -> None:
        Charge.using(queue="slow").enqueue_many([(n,) for n in range(60)])
        handles = Charge.enqueue_many([(n,) for n in range(130)])

        result = move("purchasing", "slow", code=1)

        assert result.output.splitlines()[0] == "70 jobs were moved from purchasing to slow"
        left = buoy_app.monitor.peek("purchasing", 0, 1000)
        assert [view.id for view in left] == [handle.id for handle in handles[:60]]

    def test_an_error_of_any_kind_puts_all_jobs_back(
        self, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        handles = Charge.enqueue_many([(n,) for n in range(3)])

        def fail(*_: Any) -> None:
            raise KeyError

        monkeypatch.setattr("buoy.operations.move.entry", fail)
        with pytest.raises(KeyError):
            buoy_app.move("purchasing", "slow")

        found = [view.id for view in buoy_app.monitor.peek("purchasing")]
        assert found == [handle.id for handle in handles]
        assert buoy_app.monitor.running_jobs() == []

    def test_a_job_stays_if_another_one_has_its_id_in_the_other_queue(self, buoy_app: App) -> None:
        Charge.using(id="nightly").enqueue(1)
        Charge.using(queue="slow", id="nightly").enqueue(2)

        said = move("purchasing", "slow", code=1).output

        assert said.splitlines() == [
            "0 jobs were moved from purchasing to slow",
            "nightly stays in purchasing: another job in slow has its id",
        ]
        assert drain(buoy_app) == {"done": 2}
        assert sorted(ran) == [1, 2]

    def test_what_was_there_moments_ago_cannot_be_told_from_what_ended_there(
        self, buoy_app: App
    ) -> None:
        handle = Charge.enqueue(1)
        move("purchasing", "slow")

        said = move("slow", "purchasing", code=1).output

        reason = "it was in purchasing until moments ago; move it in two minutes"
        assert said.splitlines()[1] == f"{handle.id} stays in slow: {reason}"
        assert drain(buoy_app) == {"done": 1}

    def test_a_move_that_died_before_forgetting_a_job_is_finished_by_the_next(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        class Dies(Move):
            def settle(self, settlements: Any) -> RedisSteps[None]:
                raise SystemExit

        Charge.enqueue(1)
        with pytest.raises(SystemExit):
            buoy_app.run_steps(Dies(buoy_app.control, buoy_app.monitor, "purchasing", "slow").run())
        for _ in range(12):  # some worker lives on, and heals
            buoy_clock.advance(10)
            buoy_app.broker.renew_leases({"purchasing": []})

        move("purchasing", "slow")

        assert drain(buoy_app) == {"done": 1}
        assert ran == [1]

    def test_when_redis_refuses_a_move_nothing_has_moved(self, buoy_app: App) -> None:
        Charge.enqueue(1)
        buoy_app.command("SET", buoy_app.key("slow", "jobs"), "no hash")

        with pytest.raises(EnqueueError):
            buoy_app.move("purchasing", "slow")

        assert drain(buoy_app, "purchasing") == {"done": 1}

    def test_running_and_failed_jobs_are_not_moved(self, buoy_app: App) -> None:
        Charge.enqueue(1)
        buoy_app.broker.advance_queue("one", RoundTripRequest("purchasing", 1, wanted=1))

        assert move("purchasing", "slow").output == "0 jobs were moved from purchasing to slow\n"

    def test_a_queue_cannot_be_moved_onto_itself(self, buoy_app: App) -> None:
        result = move("slow", "slow", code=2)

        assert "Error: expected two queues, got slow twice" in result.output
        message = "move(target): expected another queue than the source, got 'slow'"
        with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
            buoy_app.move("slow", "slow")

    def test_a_program_is_told_what_was_moved_and_what_stays(self, buoy_app: App) -> None:
        holder = Charge.using(queue="slow").enqueue(1)
        stays, _ = Charge.enqueue(1), Charge.enqueue(2)

        moved = buoy_app.move("purchasing", "slow")

        reason = f"job {holder.id} holds its claim in slow"
        assert (moved.count, moved.skipped) == (1, {stays.id: reason})
