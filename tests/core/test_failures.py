"""The failed jobs by `app.failures`, `app.retry` and `app.run_now`."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from buoy import App, ConfigurationError, EnqueueError, InvalidArguments, Job, Plugin, hookimpl
from buoy.broker.broker import Broker
from buoy.model.reservation import RoundTripRequest
from buoy.model.retry_answer import RetryAnswer
from buoy.testing import Clock, drain
from tests.support.world import World

QUEUED = RetryAnswer("queued")


@dataclass(frozen=True)
class Claiming(Plugin):
    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        job.transition.claim(f"place {job.payload.args[0]}")


class Charge(Job):
    queue = "purchasing"

    def perform(self, purchase_id: int, reason: str = "") -> None:
        if reason:
            raise (KeyError if reason == "key" else ValueError)(reason)


class Mail(Charge):
    queue = "mail"


class Single(Charge):
    plugins = [Claiming()]


@pytest.fixture(params=["server", "cluster"])
def app(request: pytest.FixtureRequest) -> Iterator[App]:
    """An app on one server, and again on a cluster."""
    if request.param == "server":
        yield request.getfixturevalue("buoy_app")
        return
    world: World = request.getfixturevalue("cluster_world")
    app = App(request.getfixturevalue("cluster").url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Job, "app", app)
        assert world.call("EXISTS", "failed") == 0
        yield app


def fail(app: App, *reasons: str, job: type[Charge] = Charge) -> list[str]:
    """Let jobs fail, one after the other in this order; returns their ids."""
    ids = []
    for number, reason in enumerate(reasons):
        ids.append(job.enqueue(number, reason).id)
        assert drain(app) == {"failed": 1}
        app.broker.clock_offset_ms += 1000
    return ids


def place_of(app: App, id: str) -> tuple[str, str] | None:
    view = app.find(id)
    return None if view is None else (view.queue, view.state)


class TestFind:
    def test_the_newest_of_all_queues_come_first(self, buoy_app: App) -> None:
        first, second = fail(buoy_app, "no money", "no card")
        [third] = fail(buoy_app, "no address", job=Mail)
        failures = buoy_app.failures

        assert [view.id for view in failures.find()] == [third, second, first]
        assert [view.id for view in failures.newest(2)] == [third, second]
        assert failures.count() == 3
        assert (failures.count(queue="mail"), failures.count(error="no ca")) == (1, 1)

    @pytest.mark.parametrize(
        ("conditions", "found"),
        [
            ({"error": "NO MONEY"}, [0]),
            ({"error": "valueerror"}, [2, 1, 0]),
            ({"match": r"^ValueError: no (m|c)\w+$"}, [1, 0]),
            ({"match": "NO"}, []),
            ({"match": "(?i)NO"}, [2, 1, 0]),
            ({"args": '[1, "no'}, [1]),
            ({"args": '[1,"NO'}, [1]),
            ({"args": "card"}, [1]),
            ({"queue": "mail"}, [2]),
            ({"tag": "vip"}, []),
            ({"error": "no", "queue": "purchasing"}, [1, 0]),
            ({"since": datetime.now(UTC) - timedelta(hours=1)}, [2, 1, 0]),
            ({"until": 1.0}, []),
        ],
    )
    def test_conditions_must_all_hold(
        self, buoy_app: App, conditions: dict[str, Any], found: list[int]
    ) -> None:
        ids = fail(buoy_app, "no money", "no card") + fail(buoy_app, "no way", job=Mail)

        views = buoy_app.failures.find(**conditions)

        assert [view.id for view in views] == [ids[n] for n in found]

    def test_a_class_is_given_itself_or_by_its_name(self, buoy_app: App) -> None:
        fail(buoy_app, "no money")
        [mail] = fail(buoy_app, "no address", job=Mail)

        assert [view.id for view in buoy_app.failures.find(Mail)] == [mail]
        assert [view.id for view in buoy_app.failures.find(Mail.name)] == [mail]
        assert list(buoy_app.failures.find("other")) == []

    @pytest.mark.parametrize(
        ("conditions", "error", "said"),
        [
            ({"match": "("}, ConfigurationError, "match: expected a regular expression, got '('"),
            ({"error": ""}, ConfigurationError, "Filter.error: expected a text that is not empty"),
            ({"since": datetime(2026, 1, 1)}, InvalidArguments, "since: expected at with a time"),  # noqa: DTZ001
            ({"message": "x"}, ConfigurationError, "app.failures: expected some of queue, error,"),
        ],
    )
    def test_conditions_that_cannot_be_meant_are_refused(
        self, buoy_app: App, conditions: Any, error: type[Exception], said: str
    ) -> None:
        with pytest.raises(error) as raised:
            buoy_app.failures.find(**conditions)
        assert str(raised.value).startswith(said)

    def test_arguments_of_what_cannot_be_read_are_its_text(self, buoy_app: App) -> None:
        [id] = fail(buoy_app, "no money")
        buoy_app.command("HSET", buoy_app.key("purchasing", "jobs"), id, "{brokenly")

        assert [view.id for view in buoy_app.failures.find(args="BROKEN")] == [id]


class TestSummary:
    def test_it_counts_by_class_and_error_most_first(self, buoy_app: App) -> None:
        fail(buoy_app, "key", "no money", "no card")
        fail(buoy_app, "no address", job=Mail)

        found = buoy_app.failures.summary()

        told = [(each.name, each.error, each.count, each.message) for each in found]
        assert told == [
            (Charge.name, "ValueError", 2, "no card"),
            (Mail.name, "ValueError", 1, "no address"),
            (Charge.name, "KeyError", 1, "'key'"),
        ]
        assert 0.9 < found[0].last_at - found[0].first_at < 30
        assert buoy_app.failures.summary(Mail) == [found[1]]

    def test_a_record_that_another_program_has_written_is_counted(self, buoy_app: App) -> None:
        [id] = fail(buoy_app, "no money")
        text = f'{{"class":"J","args":[],"id":"{id}","failure":{{"error":[1],"message":2}}}}'
        buoy_app.command("HSET", buoy_app.key("purchasing", "jobs"), id, text)

        [found] = buoy_app.failures.summary()

        assert (found.name, found.error, found.message) == ("J", "[1]", "2")


class TestRetry:
    def test_jobs_are_given_as_they_were_found_or_by_id(self, app: App) -> None:
        first, second, third = fail(app, "a", "b", "c")

        assert app.failures.retry(app.failures.find(match=": a$")) == {first: QUEUED}
        answers = app.failures.retry([second, "nope", first])

        gone = RetryAnswer("gone")
        assert answers == {second: QUEUED, "nope": gone, first: gone}
        assert app.retry(third) == QUEUED
        assert app.failures.count() == 0

    def test_a_job_moves_to_another_queue(self, app: App) -> None:
        ids = fail(app, *"abc")

        answers = app.failures.retry(app.failures.find(), to="slow")

        assert answers == dict.fromkeys(ids, QUEUED)
        assert {view.id for view in app.monitor.peek("slow")} == set(ids)
        [slow] = app.monitor.peek("slow", count=1)
        assert (slow.attempt, slow.failure) == (1, {})
        [queue] = app.monitor.queues(["purchasing"])
        assert (queue.queued, queue.running, queue.failed) == (0, 0, 0)
        assert drain(app) == {"failed": 3}
        assert app.failures.count(queue="slow") == 3

    def test_its_own_queue_is_as_good_as_none(self, buoy_app: App) -> None:
        [id] = fail(buoy_app, "a")

        assert buoy_app.retry(id, to="purchasing") == QUEUED
        assert place_of(buoy_app, id) == ("purchasing", "queued")

    def test_claims_go_along(self, app: App) -> None:
        [id] = fail(app, "a", job=Single)

        assert app.retry(id, to="slow") == QUEUED

        assert [(each.claim, each.id) for each in app.monitor.claims("slow")] == [("place 0", id)]
        assert list(app.monitor.claims("purchasing")) == []
        assert drain(app) == {"failed": 1}

    def test_a_job_whose_claim_is_held_there_stays_as_it_was(self, app: App) -> None:
        [id] = fail(app, "a", job=Single)
        holder = Single.using(queue="slow").enqueue(0)
        before = app.find(id)

        assert app.retry(id, to="slow") == RetryAnswer("exists", holder.id)

        assert app.find(id) == before
        assert list(app.monitor.claims("purchasing")) == []

    def test_a_job_whose_id_is_known_there_stays_as_it_was(self, app: App) -> None:
        Charge.using(id="daily").enqueue(1, "a")
        assert drain(app) == {"failed": 1}
        Charge.using(id="daily", queue="slow").enqueue(1)

        assert app.retry("daily", to="slow") == RetryAnswer("exists", "daily")
        assert drain(app) == {"done": 1}
        assert app.retry("daily", to="slow") == RetryAnswer("ended")

        assert place_of(app, "daily") == ("purchasing", "failed")

    def test_what_cannot_be_read_moves_as_it_is(self, buoy_app: App) -> None:
        id = Charge.enqueue(1).id
        jobs = buoy_app.key("purchasing", "jobs")
        buoy_app.command("HSET", jobs, id, "{broken")
        assert drain(buoy_app) == {"failed": 1}
        held = buoy_app.command("HGET", jobs, id)
        Charge.using(id=id, queue="slow").enqueue(1)

        assert buoy_app.retry(id, to="slow") == RetryAnswer("exists", id)
        assert buoy_app.command("HGET", jobs, id) == held
        assert buoy_app.retry(id, to="fast") == QUEUED
        assert buoy_app.command("HGET", buoy_app.key("fast", "jobs"), id) == b"{broken"

    @pytest.mark.parametrize("to", [None, "slow"])
    def test_a_record_that_another_program_has_written_is_retried(
        self, buoy_app: App, to: str | None
    ) -> None:
        [id] = fail(buoy_app, "no money")
        text = '{"raw":  "{broken", "failure": {"error": "E", "seconds": NaN}}'
        buoy_app.command("HSET", buoy_app.key("purchasing", "jobs"), id, text)

        assert buoy_app.retry(id, to=to) == QUEUED

        key = buoy_app.key(to or "purchasing", "jobs")
        assert buoy_app.command("HGET", key, id) == b"{broken"

    def test_when_the_other_queue_refuses_all_stay_as_they_were(self, buoy_app: App) -> None:
        ids = fail(buoy_app, "a", "b")
        buoy_app.command("SET", buoy_app.key("slow", "jobs"), "no hash")
        before = [buoy_app.find(id, "purchasing") for id in ids]

        with pytest.raises(EnqueueError, match="nothing was enqueued"):
            buoy_app.failures.retry(ids, to="slow")

        assert [buoy_app.find(id, "purchasing") for id in ids] == before

    def test_when_the_process_dies_in_between_the_jobs_are_retried_where_they_were(
        self, buoy_app: App, buoy_clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = fail(buoy_app, "a", "b")

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Broker, "enqueue_steps", die)
            with pytest.raises(KeyboardInterrupt):
                buoy_app.failures.retry(ids, to="slow")
        assert [place_of(buoy_app, id) for id in ids] == [("purchasing", "running")] * 2

        for _ in range(45):
            buoy_clock.advance(1)
            buoy_app.broker.advance_queue("other", RoundTripRequest("purchasing", 1))
        assert [place_of(buoy_app, id) for id in ids] == [("purchasing", "queued")] * 2
        assert buoy_app.monitor.queues(["slow"])[0].queued == 0

    @pytest.mark.parametrize("to", ["", "mail*", "a b"])
    def test_another_queue_must_have_a_name(self, buoy_app: App, to: str) -> None:
        with pytest.raises(ConfigurationError, match="queue: expected a name"):
            buoy_app.failures.retry([], to=to)


class TestRemove:
    def test_named_jobs_are_removed(self, app: App) -> None:
        first, second = fail(app, "a", "b")

        assert app.failures.remove([first, "nope"]) == [first]
        assert [view.id for view in app.failures.find()] == [second]

    def test_another_failure_of_the_job_is_left(self, app: App) -> None:
        [first] = fail(app, "a")
        seen = list(app.failures.find())
        app.failures.retry([first])
        time.sleep(0.002)  # the times of failures are in whole milliseconds
        assert drain(app) == {"failed": 1}

        assert app.failures.remove(seen) == []
        assert app.failures.remove([first]) == [first]

    def test_the_newest_are_kept(self, app: App) -> None:
        ids = fail(app, *"abcd")
        [mail] = fail(app, "e", job=Mail)

        assert sorted(app.failures.keep(2)) == sorted(ids[:3])
        assert [view.id for view in app.failures.find()] == [mail, ids[3]]
        assert app.failures.keep(0, Mail) == [mail]
        with pytest.raises(ConfigurationError, match=r"keep\(newest\): expected 0 or more jobs"):
            app.failures.keep(-1)


class TestRunNow:
    def test_delayed_and_failed_jobs_are_queued(self, app: App) -> None:
        [failed] = fail(app, "a")
        delayed = Charge.using(delay=60).enqueue(1).id

        assert app.run_now(failed) == app.run_now(delayed) == QUEUED
        assert app.run_now(delayed) == QUEUED

        assert place_of(app, delayed) == place_of(app, failed) == ("purchasing", "queued")
        assert app.run_now("nope") == RetryAnswer("gone")

    def test_what_runs_is_left_alone(self, buoy_app: App) -> None:
        id = Charge.enqueue(1).id
        buoy_app.broker.advance_queue("one", RoundTripRequest("purchasing", 1, wanted=1))

        assert buoy_app.run_now(id) == RetryAnswer("gone")
        assert place_of(buoy_app, id) == ("purchasing", "running")


class TestAmongNewest:
    def test_it_looks_at_the_newest_of_all_queues_together(self, buoy_app: App) -> None:
        for number in range(6):
            buoy_app.push("shop.Gone", [number], queue=f"q{number % 2}")
            drain(buoy_app, f"q{number % 2}", raise_errors=False)
            buoy_app.broker.clock_offset_ms += 1000  # else two may fail in one millisecond

        found = buoy_app.failures.among_newest(4)
        assert {view.args[0] for view in found.views} == {2, 3, 4, 5}
        times = [view.at or 0.0 for view in found.views]
        assert times == sorted(times, reverse=True)
        assert (found.read, found.failed, found.is_all) == (4, 6, False)

        some = buoy_app.failures.among_newest(4, args="[3]", queue="q1")
        assert [view.args for view in some.views] == [[3]]
        assert (some.read, some.failed, some.is_all) == (3, 3, True)

    def test_without_queues_it_finds_nothing(self, buoy_app: App) -> None:
        found = buoy_app.failures.among_newest(1)

        assert (found.views, found.failed, found.is_all) == ([], 0, True)

    @pytest.mark.parametrize("most", [0, -1, True, "1"])
    def test_it_must_look_at_one_at_least(self, buoy_app: App, most: Any) -> None:
        with pytest.raises(
            ConfigurationError, match=r"among_newest\(most\): expected 1 job or more"
        ):
            buoy_app.failures.among_newest(most)
