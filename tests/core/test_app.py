import asyncio
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import Any

import pytest

from buoy import (
    App,
    ConfigurationError,
    Deferred,
    EnqueueError,
    InvalidArguments,
    Job,
    Plugin,
    PluginError,
    Rejected,
    UnknownJob,
    hookimpl,
)
from buoy.embedded.server import Server
from buoy.jobs.job import facts_of
from buoy.testing import drain
from tests.support.proxy import Proxy, When

ran: list[Any] = []
asked: list[str] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()
    asked.clear()


@dataclass(frozen=True)
class Door(Plugin):
    """Answers for each purchase what it is told to; claims what it is told to."""

    verdicts: tuple[Any, ...] = ()
    claim: str = ""
    tick: int = -1
    status: bool = False

    @hookimpl
    def before_enqueue(self, job: Job) -> Any:
        asked.append(job.id)
        if self.claim:
            job.transition.claim(self.claim)
        if self.tick >= 0:
            job.transition.newer("tick", self.tick)
        if self.status:
            job.transition.then("SET", job.app.key(job.queue, "status", job.id), "queued")
        verdicts = dict(self.verdicts)
        return verdicts.get(job.payload.args[0])


class Charge(Job):
    queue = "purchasing"

    def perform(self, purchase_id: int) -> None:
        ran.append(self)
        if purchase_id < 0:
            raise ValueError(f"{purchase_id} is no purchase")


def with_door(door: Door, **body: Any) -> type[Charge]:
    return type("Guarded", (Charge,), {"plugins": [door], "name": f"guarded-{door!r}", **body})


def of_app(app: App) -> type[Charge]:
    return type("OfApp", (Charge,), {"app": app})


class TestBeforeEnqueue:
    def test_a_rejected_job_stays_off_its_queue(self, buoy_app: App) -> None:
        guarded = with_door(Door(((2, Rejected("closed")),)))

        handles = guarded.enqueue_many([(1,), (2,), (3,)])

        assert [handle.state for handle in handles] == ["queued", "rejected", "queued"]
        assert (handles[1].reason, handles[1].code) == ("closed", "rejected")
        assert [view.args for view in buoy_app.monitor.peek("purchasing")] == [[1], [3]]

    def test_a_held_job_is_pushed_when_its_plugin_submits_it(self, buoy_app: App) -> None:
        held: list[Job] = []

        @dataclass(frozen=True)
        class Holding(Plugin):
            @hookimpl
            def before_enqueue(self, job: Job) -> Deferred | None:
                if job in held:
                    return None
                held.append(job)
                return Deferred("until later")

        class Late(Charge):
            plugins = [Holding()]

        handle = Late.enqueue(1)
        assert (handle.state, handle.code, handle.reason) == ("deferred", "deferred", "until later")
        assert buoy_app.monitor.queue_names() == []

        submitted = buoy_app.submit(held[0])

        assert submitted == replace(handle, state="queued", reason=None, code=None)
        assert [view.id for view in buoy_app.monitor.peek("purchasing")] == [handle.id]

    def test_before_enqueue_is_asked_once_a_job_and_not_for_later_runs(self, buoy_app: App) -> None:
        guarded = with_door(Door(), expires=5)

        guarded.enqueue(1)
        drain(buoy_app)

        assert len(asked) == 1

    def test_before_enqueue_refuses_an_answer_that_is_no_verdict(self, buoy_app: App) -> None:
        guarded = with_door(Door(((1, "no"),)), name="guarded")
        message = "guarded: before_enqueue: expected Rejected, Deferred or None, got 'no'"

        with pytest.raises(PluginError, match=f"^{re.escape(message)}$"):
            guarded.enqueue_many([(0,), (1,)])

        assert buoy_app.monitor.queue_names() == []

    def test_a_claim_that_is_held_tells_by_whom(self, buoy_app: App) -> None:
        guarded = with_door(Door(claim="loner:1"))

        first, second = guarded.enqueue(1), guarded.enqueue(1)

        assert (second.state, second.code) == ("exists", "claim_held")
        assert second.reason == "its claim is held"
        assert second.holder == first.id
        drain(buoy_app)
        assert guarded.enqueue(1).state == "queued"

    def test_a_number_that_is_not_newer_rejects(self, buoy_app: App) -> None:
        guarded = with_door(Door(tick=7))

        assert guarded.enqueue(1).state == "queued"
        second = guarded.enqueue(1)

        assert (second.state, second.code) == ("rejected", "not_newer")
        assert second.reason == "the number of 'tick' is not newer"

    def test_an_attached_command_is_applied_with_the_job(self, buoy_app: App) -> None:
        handle = with_door(Door(status=True)).enqueue(1)

        key = buoy_app.key("purchasing", "status", handle.id)
        assert key == f"buoy:{{purchasing}}:status:{handle.id}"
        assert buoy_app.command("GET", key) == b"queued"

    def test_attachments_are_made_anew_when_before_enqueue_is_asked_again(
        self, buoy_app: App
    ) -> None:
        guarded = with_door(Door(claim="k", status=True))
        job = facts_of(guarded, payload_of(guarded), "purchasing").new()

        buoy_app.submit(job)
        buoy_app.submit(job)

        assert job.transition.claims == [["k", "finished"]]
        assert len(job.transition.commands) == 1


class TestPush:
    def test_a_class_may_be_unknown_here(self, buoy_app: App) -> None:
        handle = buoy_app.push("other.Job", [1], {"x": 2}, queue="mail")

        [view] = buoy_app.monitor.peek("mail")
        assert (view.id, view.name, view.args, view.kwargs) == (
            handle.id,
            "other.Job",
            [1],
            {"x": 2},
        )
        assert view.identifier == handle.identifier

    def test_push_asks_no_hooks(self, buoy_app: App) -> None:
        guarded = with_door(Door(((1, Rejected("closed")),)))

        assert buoy_app.push(guarded.name, [1], queue="mail").state == "queued"

    def test_push_with_a_given_id_enqueues_once(self, buoy_app: App) -> None:
        assert buoy_app.push("other.Job", queue="mail", id="a").state == "queued"
        assert buoy_app.push("other.Job", queue="mail", id="a").state == "exists"

    def test_push_refuses_invalid_values(self, buoy_app: App) -> None:
        with pytest.raises(InvalidArguments, match=r"^other: argument 1, \[0\]: expected str, int"):
            buoy_app.push("other", [[{1}]], queue="mail")
        with pytest.raises(ConfigurationError, match=r"^queue: expected a name without spaces "):
            buoy_app.push("other", queue="a b")
        with pytest.raises(ConfigurationError) as raised:
            buoy_app.push("other", queue="mail", id="a\nb")
        assert str(raised.value) == "push(id): expected a non-empty text of one line, got 'a\\nb'"


class TestDequeue:
    def test_jobs_of_a_class_are_ended(self, buoy_app: App) -> None:
        Charge.enqueue_many([(1,), (2,)])
        Charge.using(queue="mail", delay=9).enqueue(1)
        buoy_app.push("other", [1], queue="mail")

        assert len(buoy_app.dequeue(Charge)) == 3

        assert [view.name for view in buoy_app.monitor.peek("mail")] == ["other"]

    def test_dequeue_with_arguments_ends_the_jobs_with_these_arguments(self, buoy_app: App) -> None:
        first, second, third = Charge.enqueue_many([(1,), (2,), (1,)])

        assert sorted(buoy_app.dequeue(Charge, purchase_id=1)) == sorted([first.id, third.id])

        assert [view.id for view in buoy_app.monitor.peek("purchasing")] == [second.id]

    def test_dequeue_ends_one_job_by_its_id(self, buoy_app: App) -> None:
        handle = Charge.enqueue(1)

        assert buoy_app.dequeue(handle.id) == [handle.id]
        assert buoy_app.dequeue(handle.id) == []

    def test_dequeue_leaves_failed_jobs_as_they_are(self, buoy_app: App) -> None:
        handle = Charge.enqueue(-1)
        drain(buoy_app)

        assert buoy_app.dequeue(Charge) == []

        found = buoy_app.find(handle.id)
        assert found is not None
        assert found.state == "failed"


class TestInline:
    def test_a_job_runs_where_it_is_enqueued(self) -> None:
        app = App("redis://nowhere.invalid")
        local = of_app(app)

        with app.inline():
            handle = local.enqueue(1)

        [run] = ran
        assert handle.state == "queued"
        assert (run.id, run.queue, run.token) == (handle.id, "purchasing", "0:inline:0")

    def test_an_inline_job_raises_its_error_after_its_plugins_are_asked(self) -> None:
        failures: list[BaseException] = []

        @dataclass(frozen=True)
        class Listening(Plugin):
            @hookimpl
            def on_failure(self, job: Job, error: BaseException) -> None:
                failures.append(error)
                raise KeyError("mine")

        class Local(Charge):
            plugins = [Listening()]
            app = App(inline=True)

        with pytest.raises(ValueError, match=r"^-1 is no purchase$") as raised:
            Local.enqueue(-1)

        assert failures == [raised.value]

    def test_an_inline_job_gets_its_arguments_as_from_json(self) -> None:
        app = App(inline=True)

        class Local(Job):
            def perform(self, numbers: list[int]) -> None:
                numbers.append(2)

        Local.app = app
        numbers = [1]
        Local.enqueue(numbers)

        assert numbers == [1]

    def test_a_rejected_inline_job_does_not_run(self) -> None:
        guarded = with_door(Door(((1, Rejected("closed")),)), app=App(inline=True))

        assert [handle.state for handle in guarded.enqueue_many([(1,), (2,)])] == [
            "rejected",
            "queued",
        ]

        assert [run.payload.args for run in ran] == [[2]]

    def test_push_runs_a_known_class_inline(self) -> None:
        app = App(inline=True)

        app.push(Charge.name, [7], queue="mail")

        assert [run.payload.args for run in ran] == [[7]]
        with pytest.raises(UnknownJob, match=r"^no job named 'other\.Job': expected one of the "):
            app.push("other.Job", queue="mail")

    def test_after_inline_mode_jobs_are_enqueued_again(self, buoy_app: App) -> None:
        with buoy_app.inline():
            pass

        Charge.enqueue(1)

        assert len(buoy_app.monitor.peek("purchasing")) == 1


LEAN = """
import sys
from buoy import App, Job, Plugin, hookimpl

class Charge(Job):
    name, app = "shop.Charge", App({url!r}, inline={inline})

    def perform(self, n: int) -> None:
        print("ran", n)

Charge.enqueue(42)
print(sorted({{"redis", "click", "asyncio", "pytest"}} & set(sys.modules)))
"""


class TestLeanImports:
    def run(self, code: str) -> list[str]:
        command = [sys.executable, "-c", code]
        return subprocess.check_output(command, text=True).splitlines()

    def test_declaring_jobs_loads_no_client_no_cli_and_no_asyncio(self) -> None:
        code = "import sys, buoy; print(sorted({'redis', 'click', 'asyncio'} & set(sys.modules)))"

        assert self.run(code) == ["[]"]

    def test_inline_touches_no_redis(self) -> None:
        assert self.run(LEAN.format(url="redis://nowhere.invalid", inline=True)) == ["ran 42", "[]"]

    def test_the_first_enqueueing_loads_the_client(self, buoy_app: App) -> None:
        [loaded] = self.run(LEAN.format(url=buoy_app.settings.url, inline=False))

        assert "redis" in loaded
        assert "click" not in loaded


class TestRoundTrips:
    def test_a_thousand_jobs_take_one_round_trip(self, buoy_app: App, proxy: Proxy) -> None:
        far = of_app(App(proxy.url))
        far.enqueue(0)
        proxy.commands.clear()

        far.enqueue_many([(number,) for number in range(1000)])
        assert proxy.commands == ["EVALSHA"]

        proxy.commands.clear()
        far.enqueue_many([(number,) for number in range(2500)])
        assert proxy.commands == ["EVALSHA"] * 3

    def test_a_queue_is_made_known_before_its_first_job(self, proxy: Proxy) -> None:
        far = of_app(App(proxy.url))

        far.enqueue(0)
        far.enqueue(0)

        assert [name for name in proxy.commands if name != "EVAL"] == [
            *("SADD", "LLEN", "HGET", "TIME"),
            *("EVALSHA", "EVALSHA"),
        ]


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("buoy.broker.producer_broker.ENQUEUE_PAUSES", (0.0, 0.0))


@pytest.mark.usefixtures("no_pauses")
class TestTrouble:
    """Is the job enqueued? That is what a producer must know, whatever happens to Redis."""

    @pytest.fixture
    def far(self, buoy_app: App, proxy: Proxy) -> type[Charge]:
        far = of_app(App(proxy.url))
        # Redis knows all scripts of an enqueueing then: one that it does not know stores nothing.
        far.enqueue(0)
        for each in (far.using(id="known"), far.using(max_length=9)):
            each.enqueue(0)
        drain(buoy_app)
        return far

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_cut_at_any_command_is_invisible(
        self, buoy_app: App, proxy: Proxy, when: When
    ) -> None:
        for number in (1, 2, 3):
            buoy_app.command("FLUSHALL")
            buoy_app.command("SCRIPT", "FLUSH")
            far = of_app(App(proxy.url))
            proxy.cut(number, when)

            assert far.enqueue(1).state == "queued"

            assert [view.args for view in buoy_app.monitor.peek("purchasing")] == [[1]]

    @pytest.mark.parametrize("rows", [1, 3])
    @pytest.mark.parametrize("when", ["before", "after", "forgotten"])
    def test_trouble_on_the_short_way_of_plain_jobs_is_invisible_too(
        self, buoy_app: App, far: type[Charge], proxy: Proxy, when: str, rows: int
    ) -> None:
        if when == "forgotten":
            buoy_app.command("SCRIPT", "FLUSH")
        else:
            proxy.cut(1, when)  # type: ignore[arg-type]

        handles = far.enqueue_many([(n,) for n in range(rows)])

        assert {handle.state for handle in handles} == {"queued"}
        there = buoy_app.monitor.peek("purchasing")
        assert [view.args for view in there] == [[n] for n in range(rows)]
        assert [view.id for view in there] == [handle.id for handle in handles]

    @pytest.mark.parametrize(("delay", "state"), [(0, "queued"), (60, "delayed")])
    def test_an_enqueueing_whose_answer_is_lost_is_recognized(
        self, far: type[Charge], proxy: Proxy, delay: int, state: str
    ) -> None:
        proxy.cut(1, "after")

        assert far.using(delay=delay).enqueue(1).state == state

    def test_a_known_id_is_known_although_the_queue_could_not_be_made_known_at_once(
        self, buoy_app: App, proxy: Proxy
    ) -> None:
        Charge.using(id="a").enqueue(1)
        far = of_app(App(proxy.url))
        proxy.cut(1, "after")

        assert far.using(id="a").enqueue(1).state == "exists"

    def test_redis_gone_says_that_nothing_was_enqueued(self) -> None:
        with Server() as server:
            far = of_app(App(server.url))
            far.enqueue(0)
            server.kill()

            with pytest.raises(EnqueueError) as raised:
                far.using(id="a").enqueue(1)

        assert raised.value.enqueued is False
        assert raised.value.ids == ["a"]
        text = str(raised.value)
        assert text.startswith("queue 'purchasing': job a: Redis cannot be reached: ")
        assert text.endswith("; nothing was enqueued")

    def test_redis_restarted_is_found_again(self) -> None:
        always = ("--appendfsync", "always")  # else it may put off even the writing
        with Server(appendonly=True, args=always) as server:
            far = of_app(App(server.url))
            far.enqueue(0)
            server.kill()
            server.start()

            assert far.using(id="a").enqueue(1).state == "queued"
            assert len(far.app.monitor.peek("purchasing")) == 2

    def test_redis_gone_in_the_midst_says_that_nobody_knows(
        self, far: type[Charge], proxy: Proxy
    ) -> None:
        proxy.refuse()
        proxy.cut(1, "after")

        with pytest.raises(EnqueueError) as raised:
            far.using(id="a").enqueue(1)

        assert raised.value.enqueued is None
        text = str(raised.value)
        assert text.startswith("queue 'purchasing': job a: Redis did not answer: ")
        assert text.endswith(
            "; it is unknown whether that is stored; enqueue again with the same id to be sure"
        )
        proxy.resume()
        assert far.using(id="a").enqueue(1).state == "exists"

    def test_an_error_amid_many_rows_says_which_are_enqueued(
        self, far: type[Charge], proxy: Proxy
    ) -> None:
        proxy.refuse()
        proxy.cut(2, "before")

        with pytest.raises(EnqueueError) as raised:
            far.enqueue_many([(number,) for number in range(2500)])

        assert raised.value.enqueued is None
        assert len(raised.value.ids) == 1500
        text = str(raised.value)
        assert text.startswith("queue 'purchasing': 1500 jobs: Redis did not answer: ")
        assert text.endswith(
            "; it is unknown whether that is stored; enqueue again with the same id to be sure; "
            "the 1000 jobs before are enqueued"
        )

    def test_a_replica_says_that_nothing_was_enqueued(self, buoy_app: App) -> None:
        buoy_app.command("REPLICAOF", "127.0.0.1", 1)
        try:
            with pytest.raises(EnqueueError) as raised:
                Charge.using(id="a").enqueue(1)
        finally:
            buoy_app.command("REPLICAOF", "NO", "ONE")

        assert raised.value.enqueued is False
        assert str(raised.value) == (
            "queue 'purchasing': job a: Redis cannot do it now: You can't write against a read "
            "only replica; nothing was enqueued"
        )

    def test_a_full_redis_says_that_nothing_was_enqueued(self, buoy_app: App) -> None:
        buoy_app.command("CONFIG", "SET", "maxmemory", 1)
        try:
            with pytest.raises(EnqueueError) as raised:
                Charge.using(id="a").enqueue(1)
        finally:
            buoy_app.command("CONFIG", "SET", "maxmemory", 0)

        assert raised.value.enqueued is False
        assert str(raised.value) == (
            "queue 'purchasing': job a: Redis is full: command not allowed when used memory > "
            "'maxmemory'; nothing was enqueued"
        )
        assert Charge.using(id="a").enqueue(1).state == "queued"


def payload_of(job: type[Job]) -> Any:
    from buoy.model.payload import Payload

    return Payload(job.name, [1], {}, "a1")


def test_an_asynchronous_inline_job_runs_to_its_end_on_a_running_event_loop(
    buoy_app: App,
) -> None:
    async def program() -> None:
        with buoy_app.inline():
            Awaiting.enqueue(42)

    asyncio.run(program())

    assert ran == [42]


class Awaiting(Job):
    async def perform(self, number: int) -> None:
        await asyncio.sleep(0)
        ran.append(number)


class TestUnservedQueue:
    """Story S12: another team enqueues into a queue that no worker serves."""

    def warnings(self, caplog: pytest.LogCaptureFixture) -> list[str]:
        return [record.getMessage() for record in caplog.records]

    def test_the_producer_is_warned_once_a_minute(
        self, buoy_app: App, caplog: pytest.LogCaptureFixture
    ) -> None:
        Awaiting.enqueue(1)
        assert self.warnings(caplog) == []

        buoy_app.broker.registered.clear()  # as after a minute
        Awaiting.enqueue(2)
        Awaiting.enqueue(3)

        assert self.warnings(caplog) == [
            "queue 'default': 1 job is queued, but no worker has ever looked at it; start one: "
            "buoy worker -a MODULE -q default"
        ]

    def test_a_queue_that_a_worker_serves_gives_no_warning(
        self, buoy_app: App, caplog: pytest.LogCaptureFixture
    ) -> None:
        Awaiting.enqueue(1)
        buoy_app.broker.renew_leases({"default": []})

        buoy_app.broker.registered.clear()
        Awaiting.enqueue(2)

        assert self.warnings(caplog) == []


class TestBuild:
    def test_a_job_is_built_and_run_without_a_queue(self) -> None:
        app = App("redis://127.0.0.1:1")

        job = app.build(Charge, purchase_id=42)
        app.perform(job)

        assert ran == [job]
        assert (job.payload.args, job.queue, job.attempt) == ([42], "purchasing", 1)

    def test_a_job_that_is_built_checks_its_arguments_and_raises_its_errors(self) -> None:
        app = App("redis://127.0.0.1:1")

        with pytest.raises(InvalidArguments, match="expected arguments for perform"):
            app.build(Charge)
        with pytest.raises(ValueError, match=r"^-1 is no purchase$"):
            app.perform(app.build(Charge, -1))
