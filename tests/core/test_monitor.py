import time
from dataclasses import replace
from typing import Any

import pytest

from buoy import App, ConfigurationError, Job
from buoy.model.reservation import Reservation, RoundTripRequest, Settlement
from buoy.model.retry_answer import RetryAnswer
from buoy.operations.failed_set import Filter, find, newest_first, remove, retry
from buoy.operations.job_reader import PAGE_SIZE
from buoy.operations.views import QueueView
from buoy.testing import Clock, drain


class Charge(Job):
    queue = "purchasing"

    def perform(self, purchase_id: int, note: str = "") -> None:
        if purchase_id < 0:
            raise ValueError(f"{purchase_id} is no purchase")


def take(app: App, wanted: int = 1, queue: str = "purchasing") -> list[Reservation]:
    answer = app.broker.advance_queue("w-1", RoundTripRequest(queue, 1, wanted))
    return answer.reservations


def settle(app: App, *settlements: Settlement) -> None:
    app.broker.advance("w-1", [RoundTripRequest("purchasing", 0, settlements=list(settlements))])


def store(app: App, payload: bytes, id: str = "a1", queue: str = "purchasing") -> None:
    """Put something into a queue by hand."""
    Charge.using(queue=queue).enqueue(0)
    app.command("DEL", app.key(queue, "queued"), app.key(queue, "jobs"))
    app.command("HSET", app.key(queue, "jobs"), id, payload)
    app.command("RPUSH", app.key(queue, "queued"), id)


class TestQueues:
    def test_a_queue_in_numbers(self, buoy_app: App) -> None:
        Charge.enqueue_many([(1,), (-2,), (3,), (4,)])
        drain_two(buoy_app)
        Charge.using(delay=60).enqueue_many([(5,), (6,), (7,)])
        take(buoy_app)
        Charge.using(queue="mail").enqueue(8)
        buoy_app.control.pause("mail")

        mail, purchasing = buoy_app.monitor.queues()

        assert purchasing == QueueView(
            name="purchasing",
            queued=1,
            delayed=3,
            running=1,
            failed=1,
            done=1,
            rejected=0,
            paused=False,
            latency=purchasing.latency,
        )
        assert 0.0 < purchasing.latency < 60.0
        assert (mail.name, mail.queued, mail.paused) == ("mail", 1, True)
        [again] = buoy_app.monitor.queues(["mail"])
        assert again.latency >= mail.latency
        assert replace(again, latency=mail.latency) == mail

    def test_a_queue_of_which_nothing_is_known_is_empty(self, buoy_app: App) -> None:
        assert buoy_app.monitor.queues() == []
        assert buoy_app.monitor.queues(["new"]) == [QueueView("new", 0, 0, 0, 0, 0, 0, False)]

    def test_names_are_sorted(self, buoy_app: App) -> None:
        for queue in ("b", "a", "c"):
            Charge.using(queue=queue).enqueue(1)

        assert buoy_app.monitor.queue_names() == ["a", "b", "c"]


class TestFind:
    def test_a_job_is_found_in_whichever_queue_and_state_it_is(self, buoy_app: App) -> None:
        waiting = Charge.using(queue="mail").enqueue(1, note="x")
        delayed = Charge.using(delay=60).enqueue(2)
        failed = Charge.enqueue(-3)
        drain(buoy_app, "purchasing")
        running = Charge.enqueue(4)
        [held] = take(buoy_app)

        views = [buoy_app.find(each.id) for each in (waiting, delayed, failed, running)]

        assert [view.state for view in views if view] == ["queued", "delayed", "failed", "running"]
        one, two, three, four = views
        assert one is not None
        assert two is not None
        assert three is not None
        assert four is not None
        assert (one.queue, one.name, one.args, one.kwargs) == ("mail", Charge.name, [1, "x"], {})
        assert (one.at, one.token, one.failure, one.attempt) == (None, None, {}, 1)
        assert one.identifier == waiting.identifier
        assert one.enqueued_at == pytest.approx(time.time(), abs=60)
        assert two.at == pytest.approx(time.time() + 60, abs=10)
        assert three.at == pytest.approx(time.time(), abs=60)
        assert three.failure["message"] == "-3 is no purchase"
        assert four.token == held.token
        assert buoy_app.find(waiting.id, "mail") == one
        assert buoy_app.find(waiting.id, "purchasing") is None
        assert buoy_app.find("none") is None
        assert buoy_app.find("\udcff") is None

    def test_a_job_that_waits_for_another_run_is_retrying(self, buoy_app: App) -> None:
        handle = Charge.enqueue(1)
        [held] = take(buoy_app)
        payload = held.payload.replace('"enqueued_at"', '"attempt":2,"enqueued_at"')
        settle(buoy_app, Settlement.of(held, "delayed", payload=payload, wait=60.0))

        view = buoy_app.find(handle.id)

        assert view is not None
        assert (view.state, view.attempt) == ("delayed", 2)

    @pytest.mark.parametrize(
        "text", [b"", b"{", b"[]", b"\xff", b"[" * 10**5, b'{"class":"J","id":"a","args":[NaN]}']
    )
    def test_what_is_no_payload_is_shown_as_it_is(self, buoy_app: App, text: bytes) -> None:
        store(buoy_app, text)

        [view] = buoy_app.monitor.peek("purchasing")

        assert (view.id, view.name, view.args, view.identifier) == ("a1", None, [], None)
        assert view.raw.encode(errors="surrogateescape") == text

    def test_an_unknown_field_of_a_payload_hides_nothing(self, buoy_app: App) -> None:
        text = '{"class":"J","id":"a1","raw":"x","failure":{"error":"E"}}'
        store(buoy_app, text.encode())

        [view] = buoy_app.monitor.peek("purchasing")

        assert (view.name, view.raw, view.failure) == ("J", text, {"error": "E"})


class TestPages:
    def test_waiting_jobs_are_shown_in_their_order(self, buoy_app: App) -> None:
        Charge.enqueue_many([(number,) for number in range(5)])

        peek = buoy_app.monitor.peek
        assert [view.args for view in peek("purchasing")] == [[0], [1], [2], [3], [4]]
        assert [view.args for view in peek("purchasing", 1, 2)] == [[1], [2]]
        assert peek("purchasing", 0, 0) == peek("purchasing", 9, 9) == peek("none") == []

    def test_delayed_jobs_are_shown_by_their_due_times(self, buoy_app: App) -> None:
        for delay in (30, 10, 20):
            Charge.using(delay=delay).enqueue(delay)

        delayed = buoy_app.monitor.delayed
        assert [view.args for view in delayed("purchasing")] == [[10], [20], [30]]
        assert [view.args for view in delayed("purchasing", 1, 1)] == [[20]]
        assert delayed("purchasing", 0, 0) == []


def fail_many(app: App, count: int) -> list[str]:
    handles = Charge.enqueue_many([(number,) for number in range(count)])
    held = take(app, count)
    settle(app, *[Settlement.of(each, "failed", payload=each.payload) for each in held])
    return [handle.id for handle in handles]


class TestFailed:
    def test_all_failed_jobs_are_listed_though_they_are_retried_meanwhile(
        self, buoy_app: App
    ) -> None:
        ids = fail_many(buoy_app, 2 * PAGE_SIZE + 1)
        seen = []

        for view in buoy_app.monitor.failed():
            seen.append(view.id)
            retry(buoy_app.control, [view])

        assert sorted(seen) == ids
        assert [each.id for each in buoy_app.monitor.peek("purchasing", 0, 10**6)] == seen

    def test_all_delayed_jobs_are_listed_though_they_become_due_meanwhile(
        self, buoy_app: App
    ) -> None:
        Charge.using(delay=60).enqueue_many([(number,) for number in range(2 * PAGE_SIZE + 1)])
        Charge.using(queue="mail", delay=30).enqueue(1)
        seen = []

        for view in buoy_app.monitor.each("delayed"):
            seen.append((view.queue, view.id))
            buoy_app.reschedule(view.id, queue=view.queue)

        assert len(set(seen)) == len(seen) == 2 * PAGE_SIZE + 2
        assert [view.id for view in buoy_app.monitor.each("delayed")] == []

    def test_filters_find_the_failed_jobs_that_match(self, buoy_app: App) -> None:
        first = Charge.enqueue(-1)
        second = Charge.using(queue="mail").enqueue(-2)
        drain(buoy_app)
        now = time.time()

        def ids(**wanted: Any) -> list[str]:
            return [view.id for view in find(buoy_app.monitor, Filter(**wanted))]

        assert ids() == [second.id, first.id]
        assert ids(queue="mail") == [second.id]
        assert ids(ids=frozenset([first.id])) == [first.id]
        assert ids(name=Charge.name) == [second.id, first.id]
        assert ids(name="other") == []
        assert ids(error="-2 IS NO") == [second.id]
        assert ids(error="valueerror") == [second.id, first.id]
        assert ids(since=now - 60, until=now + 60) == [second.id, first.id]
        assert ids(since=now + 60) == ids(until=now - 60) == []

    @pytest.mark.parametrize("field", ["name", "queue", "error"])
    def test_an_empty_text_says_nothing(self, field: str) -> None:
        with pytest.raises(ConfigurationError) as raised:
            Filter(**{field: ""})  # type: ignore[arg-type]
        assert str(raised.value) == f"Filter.{field}: expected a text that is not empty, got ''"

    def test_a_retried_job_is_a_first_attempt_of_the_same_job(self, buoy_app: App) -> None:
        handle = Charge.enqueue(-1)
        drain(buoy_app)

        assert retry(buoy_app.control, buoy_app.monitor.failed()) == {
            handle.id: RetryAnswer("queued")
        }

        [view] = buoy_app.monitor.peek("purchasing")
        assert (view.id, view.args, view.attempt, view.failure) == (handle.id, [-1], 1, {})
        assert retry(buoy_app.control, [view]) == {handle.id: RetryAnswer("gone")}

    def test_what_is_no_payload_is_retried_as_it_was(self, buoy_app: App) -> None:
        store(buoy_app, b"{\xff")
        assert drain(buoy_app) == {"failed": 1}
        [view] = buoy_app.monitor.failed()
        assert view.failure["error"] == "buoy.errors.CorruptPayload"

        retry(buoy_app.control, [view])

        assert buoy_app.command("HGET", buoy_app.key("purchasing", "jobs"), "a1") == b"{\xff"

    def test_what_no_worker_has_kept_as_it_was_stays_and_the_others_are_retried(
        self, buoy_app: App
    ) -> None:
        handles = [Charge.enqueue(-1), Charge.enqueue(-2), Charge.enqueue(-3)]
        drain(buoy_app)
        jobs, bad = buoy_app.key("purchasing", "jobs"), handles[1].id
        text = f'{{"class":"J","id":"{bad}","claims":[["a"]]}}'
        buoy_app.command("HSET", jobs, bad, text)

        answers = retry(buoy_app.control, buoy_app.monitor.failed())

        assert [answers[handle.id].kind for handle in handles] == ["queued", "unreadable", "queued"]
        assert buoy_app.command("HGET", jobs, bad) == text.encode()

    @pytest.mark.parametrize("score", ["inf", "-inf", "1e300", "-1", "1.5"])
    def test_a_job_that_failed_at_any_time_can_be_retried(self, buoy_app: App, score: str) -> None:
        handle = Charge.enqueue(-1)
        drain(buoy_app)
        buoy_app.command("ZADD", buoy_app.key("purchasing", "failed"), score, handle.id)

        assert retry(buoy_app.control, buoy_app.monitor.failed()) == {
            handle.id: RetryAnswer("queued")
        }

    def test_the_newest_of_all_queues_come_first(self, buoy_app: App) -> None:
        handles = [Charge.using(queue=queue).enqueue(-1) for queue in ("a", "b", "a", "b")]
        drain(buoy_app)
        for number, handle in enumerate(handles):
            key = buoy_app.key(handle.queue, "failed")
            buoy_app.command("ZADD", key, 1000 * number, handle.id)

        found = [view.id for view in newest_first(buoy_app.monitor, Filter())]

        assert found == [handle.id for handle in reversed(handles)]
        [second] = newest_first(buoy_app.monitor, Filter(ids=frozenset([handles[1].id])))
        assert second.at == 1.0

    def test_a_removed_failed_job_is_gone(self, buoy_app: App) -> None:
        handle = Charge.enqueue(-1)
        drain(buoy_app)

        assert remove(buoy_app.control, buoy_app.monitor.failed()) == [handle.id]

        assert buoy_app.find(handle.id) is None


class TestWorkers:
    def test_workers_tell_what_they_are_and_what_they_hold(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        handle = Charge.enqueue(1)
        take(buoy_app)
        facts = ["host", "h", "pid", "7", "queues", "mail*", "executor", "fork", "slots", "2"]
        facts += ["state", "running", "started_at", "12.5"]
        buoy_app.command("HSET", "buoy:worker:w-1", *facts)
        buoy_app.command("ZADD", "buoy:workers", 1500, "w-1", 2500, "host-2")

        one, two = buoy_app.monitor.workers()

        assert (one.id, one.host, one.pid, one.queues) == ("w-1", "h", 7, "mail*")
        assert (one.executor, one.slots, one.state, one.gone) == ("fork", 2, "running", False)
        assert (one.started_at, one.beat_at, one.running) == (12.5, 1.5, [handle.id])
        assert (two.id, two.host, two.state, two.gone) == ("host-2", "host", "gone", True)
        assert (two.beat_at, two.running) == (2.5, [])

    def test_without_workers_there_is_nothing_to_tell(self, buoy_app: App) -> None:
        assert buoy_app.monitor.workers() == []


def drain_two(app: App) -> None:
    """Run the next two jobs."""
    from buoy.jobs.run import run

    settle(app, *map(run, take(app, 2)))
