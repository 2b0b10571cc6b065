"""Jobs that cannot be pushed after the commit, with ``deferring()`` as the transaction."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from buoy import (
    App,
    BuoyError,
    ClaimHeld,
    EnqueueError,
    Job,
    Plugin,
    QueueFull,
    hookimpl,
)
from buoy.embedded.server import Server
from buoy.jobs.job import facts_of
from buoy.model.payload import Payload
from buoy_aftercommit import NotPushed, deferring

from .orders_job import Charge, queued, said


@dataclass(frozen=True)
class Single(Plugin):
    """Claims the identifier of the job."""

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        job.transition.claim(f"single:{job.identifier}", on_conflict="raise")


class Pack(Charge):
    queue = "packing"


class ChargeOnce(Charge):
    plugins = [Single()]


class Limited(Charge):
    max_length = 3


class TestFailures:
    def test_without_redis_not_pushed_names_the_jobs_and_submit_pushes_them(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        server = Server(tmp_path / "server")
        server.start()

        class Lonely(Charge):
            app = App(server.url)

        class LonelyPack(Pack):
            app = Lonely.app

        def transaction() -> list[str]:
            with deferring():
                ids = [Lonely.enqueue(1).id, LonelyPack.enqueue(2).id]
                server.stop()
            return ids

        with pytest.raises(NotPushed) as raised:
            transaction()

        error = raised.value
        first, second = error.jobs
        assert isinstance(error, BuoyError)
        assert isinstance(error.__cause__, EnqueueError)
        assert str(error) == (
            f"the transaction has committed, but 2 jobs could not be pushed: {error.__cause__}; "
            "do not repeat the transaction; "
            "push again: job.app.submit(job) for each of error.jobs"
        )
        assert [message.partition(": queue ")[0] for message in said(caplog)] == [
            f"committed, but not pushed: id={first.id} class={Lonely.name} queue=orders",
            f"committed, but not pushed: id={second.id} class={LonelyPack.name} queue=packing",
        ]
        server.start()
        assert [job.app.submit(job).state for job in error.jobs] == ["queued", "queued"]
        server.stop()

    def test_not_pushed_names_a_single_job(self) -> None:
        job = facts_of(Charge, Payload("x", [], {}, "a1"), "orders").new()
        assert str(NotPushed([job], EnqueueError("away", ids=["a1"], enqueued=False))) == (
            "the transaction has committed, but job a1 could not be pushed: away; "
            "do not repeat the transaction; push again: job.app.submit(job) for each of error.jobs"
        )

    def test_a_job_that_cannot_be_pushed_does_not_stop_the_others(self, buoy_app: App) -> None:
        ChargeOnce.enqueue(2)

        def transaction() -> None:
            with deferring():
                ChargeOnce.enqueue_many([(1,), (2,), (3,)])
                Pack.enqueue(4)

        with pytest.raises(NotPushed) as raised:
            transaction()

        assert isinstance(raised.value.__cause__, ClaimHeld)
        assert [job.payload.args for job in raised.value.jobs] == [[2]]
        assert queued(buoy_app) == [2, 1, 3]
        assert queued(buoy_app, "packing") == [4]

    def test_a_queue_that_becomes_full_gets_the_first_jobs(self, buoy_app: App) -> None:
        def transaction() -> None:
            with deferring():
                Limited.enqueue_many([(n,) for n in range(5)])
                Pack.enqueue(9)

        with pytest.raises(NotPushed) as raised:
            transaction()

        assert isinstance(raised.value.__cause__, QueueFull)
        assert [job.payload.args for job in raised.value.jobs] == [[3], [4]]
        assert queued(buoy_app) == [0, 1, 2]
        assert queued(buoy_app, "packing") == [9]

    def test_an_error_of_a_plugin_stops_only_its_job(self, buoy_app: App) -> None:
        @dataclass(frozen=True)
        class Broken(Plugin):
            @hookimpl
            def before_enqueue(self, job: Job) -> None:
                if job.payload.args == [2]:
                    raise LookupError("broken")

        class Fragile(Charge):
            plugins = [Broken()]

        def transaction() -> None:
            with deferring():
                Fragile.enqueue_many([(1,), (2,), (3,)])

        with pytest.raises(NotPushed, match="could not be pushed: broken; ") as raised:
            transaction()

        assert [job.payload.args for job in raised.value.jobs] == [[2]]
        assert queued(buoy_app) == [1, 3]

    def test_an_interrupt_logs_the_jobs_that_are_not_pushed(
        self, buoy_app: App, caplog: pytest.LogCaptureFixture
    ) -> None:
        @dataclass(frozen=True)
        class Interrupting(Plugin):
            @hookimpl
            def before_enqueue(self, job: Job) -> None:
                raise KeyboardInterrupt

        class Interrupted(Pack):
            plugins = [Interrupting()]

        ids: list[str] = []

        def transaction() -> None:
            with deferring():
                Charge.enqueue(1)
                ids.extend([Interrupted.enqueue(2).id, Charge.enqueue(3).id])

        with pytest.raises(KeyboardInterrupt):
            transaction()

        assert queued(buoy_app) == [1]
        assert said(caplog) == [
            f"committed, but not pushed: id={ids[0]} class={Interrupted.name} queue=packing: "
            "KeyboardInterrupt",
            f"committed, but not pushed: id={ids[1]} class={Charge.name} queue=orders: "
            "KeyboardInterrupt",
        ]
