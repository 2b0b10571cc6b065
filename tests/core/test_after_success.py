"""Together or not at all: jobs that a run enqueues if and only if it ends well."""

import asyncio
from typing import Any

import pytest

from buoy import App, Deferred, Job, Later, Plugin, hookimpl, job
from buoy.errors import InvalidArguments, NoCurrentJob
from buoy.testing import FakeWorker, drain, perform_job

done: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_done(buoy_app: App) -> None:
    done.clear()


class Pack(Job):
    queue = "warehouse"

    def perform(self, order: Any) -> None:
        done.append(("pack", order))


class Tell(Job):
    queue = "payments"

    def perform(self, order: Any) -> None:
        done.append(("tell", order))


class Charge(Job):
    queue = "payments"

    def perform(self, order: Any, how: str = "well") -> None:
        order = order["number"] if isinstance(order, dict) else order
        self.enqueue_after_success(Pack, order)
        with self.after_success():
            Tell.enqueue(order)
        assert self.app.monitor.queue_names() in ([], ["payments"])
        done.append(("charge", order))
        if how == "badly":
            raise ValueError(how)


def names() -> list[str]:
    return [what for what, _ in done]


def test_both_are_enqueued_when_the_run_ends_well(buoy_app: App) -> None:
    Charge.enqueue(1)
    worker = FakeWorker(buoy_app, "payments")
    assert worker.run(worker.take())

    assert [each.name for each in buoy_app.monitor.peek("payments")] == [Tell.name]
    assert [each.name for each in buoy_app.monitor.peek("warehouse")] == [Pack.name]
    assert drain(buoy_app) == {"done": 2}
    assert sorted(names()) == ["charge", "pack", "tell"]


def test_neither_is_enqueued_when_it_fails(buoy_app: App) -> None:
    Charge.enqueue(1, "badly")

    assert drain(buoy_app) == {"failed": 1}
    assert names() == ["charge"]


def test_the_retry_by_an_operator_enqueues_them(buoy_app: App) -> None:
    Charge.enqueue(1, "badly")
    drain(buoy_app)
    [view] = failed(buoy_app)
    buoy_app.edit(view.id, args=[1, "well"])
    [view] = failed(buoy_app)
    assert buoy_app.failures.retry([view])

    assert drain(buoy_app) == {"done": 3}


def test_neither_is_enqueued_by_a_run_that_has_lost_its_lease(buoy_app: App) -> None:
    Charge.enqueue(1)
    first = FakeWorker(buoy_app, "payments", "first")
    lost = first.take()
    first.lose()
    second = FakeWorker(buoy_app, "payments", "second")
    held = second.take()

    assert not first.run(lost)
    assert buoy_app.monitor.peek("payments") == []
    assert second.run(held)
    assert len(buoy_app.monitor.peek("payments")) == len(buoy_app.monitor.peek("warehouse")) == 1


def test_the_handle_says_for_what_the_job_waits(buoy_app: App) -> None:
    @job(queue="payments")
    def parent() -> None:
        from buoy import current_job

        run = current_job()
        handle = run.enqueue_after_success(Pack, 1)
        done.append((handle.state, handle.code, handle.reason, handle.queue))
        done.append(run.id)

    handle = parent.enqueue()
    drain(buoy_app)

    reason = f"until job {handle.id} has ended well"
    assert done[:2] == [("deferred", "deferred", reason, "warehouse"), handle.id]


def test_options_of_one_enqueueing_count(buoy_app: App, buoy_clock: Any) -> None:
    class Parent(Job):
        def perform(self) -> None:
            self.enqueue_after_success(Pack.using(delay=60, tags=["late"], id="p-1"), 5)
            self.enqueue_after_success(Tell.using(queue="warehouse", delay=60), 6)

    Parent.enqueue()
    drain(buoy_app)

    first, second = buoy_app.monitor.delayed("warehouse")
    assert {first.id, second.id} > {"p-1"}
    assert {each.tags for each in (first, second)} == {("late",), ()}


def test_arguments_are_kept_as_they_were(buoy_app: App) -> None:
    class Parent(Job):
        def perform(self) -> None:
            order = {"number": 1}
            self.enqueue_after_success(Pack, order)
            order["number"] = 2

    Parent.enqueue()
    drain(buoy_app)

    assert done == [("pack", {"number": 1})]


def test_what_cannot_be_stored_fails_the_run(buoy_app: App) -> None:
    class Parent(Job):
        def perform(self, how: str) -> None:
            done.append(("began", how))
            if how == "too many":
                for _ in range(1001):
                    self.enqueue_after_success(Pack, 1)
            self.enqueue_after_success(Pack, "x" * 10**8 if how == "too large" else object())

    for how in ("too large", "too many", "no JSON"):
        Parent.enqueue(how)
    drain(buoy_app)
    errors = {each.failure["error"]: each.failure["message"] for each in failed(buoy_app)}

    assert set(errors) == {"buoy.errors.PayloadTooLarge", "buoy.errors.InvalidArguments"}
    assert len(failed(buoy_app)) == 3
    assert [what for what, _ in done] == ["began"] * 3


def failed(app: App) -> list[Any]:
    return list(app.failures.newest(10))


class Kept(Plugin):
    """Refuses, defers, or claims, as its jobs say."""

    def __hash__(self) -> int:
        return 1

    @hookimpl
    def before_enqueue(self, job: Job) -> Any:
        job.transition.claim("the one")
        job.transition.then("INCR", job.app.key(job.queue, "kept"))
        if job.payload.args[0] == "deferred" and job.id not in once:
            once.add(job.id)
            waiting.append(job)
            return Deferred("until its turn")
        return None


waiting: list[Job] = []
once: set[str] = set()


class Careful(Job):
    queue = "careful"
    plugins = [Kept()]
    max_length = 1

    def perform(self, order: Any) -> None:
        done.append(("careful", order))


class Parent(Job):
    queue = "careful"

    def perform(self, *orders: Any) -> None:
        for order in orders:
            if order != "fail":
                self.enqueue_after_success(Careful, order)
        while waiting:
            self.app.submit(waiting.pop())
        done.append("parent")
        if "fail" in orders:
            raise ValueError


def test_claims_and_attached_commands_hold_in_the_own_queue_too(
    buoy_app: App, caplog: pytest.LogCaptureFixture
) -> None:
    parent = Parent.enqueue(1, 2)
    worker = FakeWorker(buoy_app, "careful")
    worker.run(worker.take())

    [kept] = buoy_app.monitor.peek("careful")
    assert (kept.args, buoy_app.command("GET", buoy_app.key("careful", "kept"))) == ([1], b"1")
    [message] = [each for each in caplog.messages if "kept out" in each]
    assert message.endswith(
        f", enqueued by job {parent.id}, is kept out of queue careful: exists {kept.id}"
    )


def test_a_job_that_a_plugin_defers_waits_for_both(buoy_app: App) -> None:
    Parent.enqueue("deferred")

    assert drain(buoy_app) == {"done": 2}
    assert done == ["parent", ("careful", "deferred")]


def test_a_job_that_a_plugin_defers_is_not_enqueued_when_the_run_fails(buoy_app: App) -> None:
    Parent.enqueue("deferred", "fail")

    assert drain(buoy_app) == {"failed": 1}
    assert done == ["parent"]


def test_a_full_queue_gets_the_job_later(
    buoy_app: App, buoy_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    Careful.enqueue("first")
    buoy_app.command("DEL", buoy_app.key("careful", "claims"))
    Parent.using(queue="payments").enqueue("second")
    worker = FakeWorker(buoy_app, "payments")
    worker.run(worker.take())

    assert [each.args for each in buoy_app.monitor.peek("careful")] == [["first"]]
    assert "queue=payments 1 job waits to go to queue careful: it holds 1 jobs, and is full" in (
        caplog.messages
    )
    drain(buoy_app, "careful")
    assert buoy_app.command("ZCARD", buoy_app.key("payments", "handovers")) == 1


def test_async_jobs_and_awaited_enqueueings(buoy_app: App) -> None:
    class Parent(Job):
        queue = "payments"

        async def perform(self) -> None:
            with self.after_success():
                await asyncio.gather(Pack.aenqueue(1), Tell.aenqueue(2))
                await Tell.aenqueue_many([(3,), (4,)])

    Parent.enqueue()

    assert drain(buoy_app) == {"done": 5}
    assert sorted(done) == [("pack", 1), ("tell", 2), ("tell", 3), ("tell", 4)]


def test_jobs_by_name_and_many_at_once(buoy_app: App) -> None:
    class Parent(Job):
        def perform(self) -> None:
            with self.after_success():
                self.app.push(Pack.name, [1], queue="warehouse")

    Parent.enqueue()

    assert drain(buoy_app) == {"done": 2}
    assert done == [("pack", 1)]


class TestInline:
    def test_they_run_after_the_parent(self, buoy_app: App) -> None:
        with buoy_app.inline():
            Charge.enqueue(1)

        assert names() == ["charge", "pack", "tell"]

    def test_they_do_not_run_when_it_fails(self, buoy_app: App) -> None:
        with buoy_app.inline(), pytest.raises(ValueError, match="badly"):
            Charge.enqueue(1, "badly")

        assert names() == ["charge"]

    def test_perform_stores_them_when_it_returns(self, buoy_app: App) -> None:
        buoy_app.perform(buoy_app.build(Charge, 1))

        assert drain(buoy_app) == {"done": 2}

    def test_perform_job_enqueues_nothing(self, buoy_app: App) -> None:
        perform_job(Charge, 1)

        assert names() == ["charge"]
        assert drain(buoy_app) == {}


class TestWrongUse:
    def test_before_the_run(self, buoy_app: App) -> None:
        built = buoy_app.build(Charge, 1)

        with pytest.raises(NoCurrentJob) as raised:
            built.enqueue_after_success(Pack, 1)

        assert str(raised.value) == (
            f"<{Charge.name} {built.id} attempt 1>: expected a job that runs, got one that does "
            "not run yet"
        )

    def test_after_the_run(self, buoy_app: App) -> None:
        class Leaver(Job):
            def perform(self) -> None:
                done.append(self)

        Leaver.enqueue()
        drain(buoy_app)
        [run] = done

        with pytest.raises(NoCurrentJob) as raised, run.after_success():
            raise AssertionError

        assert str(raised.value) == (
            f"<{Leaver.name} {run.id} attempt 1>: expected a job that runs, got one whose run has "
            "ended"
        )

    def test_no_job_class(self, buoy_app: App) -> None:
        class Odd(Job):
            def perform(self) -> None:
                self.enqueue_after_success("Pack", 1)  # type: ignore[call-overload]

        with pytest.raises(InvalidArguments) as raised:
            perform_job(Odd)

        assert str(raised.value) == (
            "enqueue_after_success: expected a job class or Job.using(...), got 'Pack'"
        )

    def test_a_job_of_another_app(self, buoy_app: App) -> None:
        class Far(Job):
            app = App("redis://far")

            def perform(self) -> None: ...

        class Near(Job):
            def perform(self) -> None:
                self.enqueue_after_success(Far)

        with pytest.raises(InvalidArguments) as raised:
            perform_job(Near)

        assert str(raised.value) == (
            f"{Far.name}: expected a job of the same app as {Near.name}, got one of another; what "
            "two servers keep cannot change together"
        )


def test_a_retry_enqueues_them_once(buoy_app: App, buoy_clock: Any) -> None:
    class Again(Plugin):
        def __hash__(self) -> int:
            return 2

        @hookimpl
        def on_failure(self, job: Job, error: BaseException) -> Later:
            return Later(0)

    class Flaky(Job):
        plugins = [Again()]

        def perform(self) -> None:
            self.enqueue_after_success(Pack, self.attempt)
            if self.attempt < 3:
                raise ValueError

    Flaky.enqueue()

    assert drain(buoy_app) == {"delayed": 2, "done": 2}
    assert done == [("pack", 3)]


def test_children_are_counted_and_expire_from_their_own_start(buoy_app: App) -> None:
    class Short(Job):
        expires = 1000.0

        def perform(self) -> None: ...

    class Long(Job):
        def perform(self) -> None:
            self.enqueue_after_success(Short)
            at = run_facts(self)
            at.payload.enqueued_at -= 5000
            at.payload.expires_at -= 5000

    Long.enqueue()

    assert drain(buoy_app) == {"done": 2}


def run_facts(run: Job) -> Any:
    from buoy.jobs.facts import facts

    children = facts(run).children
    assert children is not None
    return facts(children[0])
