"""The hooks that observe: what app-wide plugins, and those of classes, are told of a job."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from buoy import (
    App,
    ClaimHeld,
    ConfigurationError,
    Handle,
    Job,
    Later,
    Plugin,
    PluginError,
    QueueFull,
    Rejected,
    RunInfo,
    Without,
    hookimpl,
)
from buoy.errors import DirtyExit, JobTimeout, Terminated, UnknownJob, WorkerLost
from buoy.executor.async_run import arun
from buoy.jobs.enqueueing import plain_entries
from buoy.jobs.facts import facts
from buoy.jobs.relay import relay
from buoy.jobs.run import load_run, run
from buoy.model.outcome import Done, Failed
from buoy.model.payload import Payload
from buoy.model.reservation import Reservation, Settlement
from buoy.plugins import build_job, plugins_of
from buoy.testing import Clock, FakeWorker, drain

pytestmark = pytest.mark.usefixtures("buoy_registry")

Told = list[tuple[Any, ...]]


@dataclass(frozen=True, eq=False)
class Watch(Plugin):
    """Keeps what it is told."""

    told: Told = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        """The hooks in the order of their calls, each with what became of the job."""
        return [f"{hook} {word}".strip() for hook, word, *_ in self.told]

    @property
    def runs(self) -> list[RunInfo]:
        """What after_run was told."""
        return [run for hook, _, _, run in self.told if hook == "after_run"]

    @hookimpl
    def after_enqueue(self, job: Job, handle: Handle[Any]) -> None:
        self.told.append(("after_enqueue", handle.code or handle.state, job, handle))

    @hookimpl
    def after_reserve(self, run: RunInfo) -> None:
        self.told.append(("after_reserve", "", None, run))

    @hookimpl
    def before_run(self, job: Job, run: RunInfo) -> None:
        self.told.append(("before_run", "", job, run))

    @hookimpl
    def after_run(self, job: Job | None, run: RunInfo) -> None:
        self.told.append(("after_run", type(run.outcome).__name__, job, run))


@dataclass(frozen=True)
class Loud(Plugin):
    """A plugin that must be named."""

    name: str


LOUD = Loud("module")


@pytest.fixture
def watch(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """An app-wide plugin of the app under test."""
    watch = Watch()
    monkeypatch.setitem(vars(buoy_app), "plugins", (watch,))
    return watch


class Charge(Job):
    name = "events.charge"

    def perform(self, amount: int = 1) -> str:
        if amount < 0:
            raise ValueError(f"{amount} is too little")
        return "receipt"


RUN = ["after_reserve", "before_run"]


class TestWhatIsTold:
    def test_of_a_job_that_is_done(self, buoy_app: App, watch: Watch) -> None:
        handle = Charge.enqueue(5)
        drain(buoy_app)

        assert watch.words == ["after_enqueue queued", *RUN, "after_run Done"]
        assert watch.told[0][3] == handle
        [ended] = watch.runs
        assert (ended.id, ended.name, ended.queue, ended.attempt) == (
            *(handle.id, "events.charge", "default", 1),
        )
        assert (ended.worker, ended.lost, ended.outcome, ended.error) == ("drain", 0, Done(), None)
        assert 0 < ended.seconds < 60
        assert 0 <= ended.waited < 60
        before = watch.told[2][3]
        assert (before.id, before.seconds, before.outcome) == (handle.id, 0.0, None)
        assert [type(job) for _, _, job, _ in watch.told] == [Charge, type(None), Charge, Charge]

    def test_of_a_job_that_fails(self, buoy_app: App, watch: Watch) -> None:
        Charge.enqueue(-1)
        drain(buoy_app)

        [ended] = watch.runs
        assert isinstance(ended.outcome, Failed)
        assert ended.outcome.failure.message == str(ended.error) == "-1 is too little"

    def test_of_a_job_that_runs_again(self, buoy_app: App, watch: Watch, buoy_clock: Clock) -> None:
        class Stubborn(Plugin):
            @hookimpl
            def on_failure(self, job: Job, error: BaseException) -> Later | None:
                return Later(10) if job.attempt == 1 else None

        class Again(Charge):
            name, plugins = "events.again", [Stubborn()]

        Again.enqueue(-1)
        drain(buoy_app)
        buoy_clock.advance(12)
        drain(buoy_app)

        assert [run.attempt for run in watch.runs] == [1, 2]
        assert watch.runs[0].outcome == Later(10)
        assert watch.words[-1] == "after_run Failed"

    def test_of_a_job_that_is_rejected_when_it_runs(
        self, buoy_app: App, watch: Watch, buoy_clock: Clock
    ) -> None:
        class Fresh(Charge):
            name, expires = "events.fresh", 5

        Fresh.enqueue()
        buoy_clock.advance(10)
        drain(buoy_app)

        assert watch.words == ["after_enqueue queued", "after_reserve", "after_run Rejected"]
        assert watch.runs[0].outcome == Rejected("expired")
        assert 9.9 < watch.runs[0].waited < 60

    def test_of_jobs_that_are_kept_out(self, buoy_app: App, watch: Watch) -> None:
        class Picky(Plugin):
            @hookimpl
            def before_enqueue(self, job: Job) -> Rejected | None:
                job.transition.claim("one")
                return Rejected("no") if job.payload.args == [2] else None

        class Small(Charge):
            name, plugins = "events.small", [Picky()]

        Small.enqueue(1)
        Small.enqueue(2)
        Small.enqueue(3)
        Charge.using(delay=60, id="a").enqueue(1)
        Charge.using(id="a").enqueue(1)

        assert watch.words == [
            *("after_enqueue queued", "after_enqueue rejected", "after_enqueue claim_held"),
            *("after_enqueue delayed", "after_enqueue known_id"),
        ]

    def test_of_a_class_that_cannot_be_loaded(self, buoy_app: App, watch: Watch) -> None:
        buoy_app.push("no.such.Job", queue="default", id="x")
        drain(buoy_app)

        hook, word, job, ended = watch.told[-1]
        assert (hook, word, job) == ("after_run", "Failed", None)
        assert (ended.id, ended.name) == ("x", "no.such.Job")
        assert isinstance(ended.error, UnknownJob)

    def test_of_a_payload_that_is_none(self, buoy_app: App, watch: Watch) -> None:
        run(Reservation("x", "7:w:1", "default", "{", now=5.0), buoy_app._hooks)

        assert (watch.runs[0].id, watch.runs[0].name, watch.runs[0].waited) == ("x", "", 0.0)

    def test_of_a_job_that_has_lost_its_workers(self, buoy_app: App, watch: Watch) -> None:
        Charge.enqueue()
        worker = FakeWorker(buoy_app)
        for _ in range(buoy_app.settings.max_crashes + 1):
            worker.take()
            worker.lose()
        worker.run(worker.take())

        assert watch.words[1:] == ["after_reserve", "after_run Failed"]
        assert isinstance(watch.runs[0].error, WorkerLost)
        assert watch.runs[0].lost == 4

    def test_of_a_job_whose_process_dies(self, buoy_app: App, watch: Watch) -> None:
        Charge.enqueue()
        worker = FakeWorker(buoy_app)
        worker.kill(worker.take())

        assert watch.words[-1] == "after_run Failed"
        assert isinstance(watch.runs[0].error, DirtyExit)

    def test_of_a_run_that_leaves_what_cannot_be_stored(self, buoy_app: App, watch: Watch) -> None:
        class Leaving(Plugin):
            @hookimpl(wrapper=True)
            def around_perform(self, job: Job) -> Iterator[None]:
                job.transition.commands = 5  # type: ignore[assignment]
                return (yield)

        class Untidy(Charge):
            name, plugins = "events.untidy", [Leaving()]

        Untidy.enqueue()
        assert drain(buoy_app) == {"failed": 1}

        assert watch.words[-1] == "after_run Failed", "never that it was done"
        assert isinstance(watch.runs[0].error, PluginError)
        assert len(watch.runs) == 1


class TestAppWide:
    def test_plugins_of_the_app_are_outside_of_those_of_the_class(self) -> None:
        inner, outer = Watch(), Loud("outer")
        app = App(plugins=[outer])

        class Mine(Charge):
            name, plugins = "events.mine", [inner]

        Mine.app = app
        assert app.plugins == (outer,)
        assert Mine._plugins() == (outer, inner)
        assert plugins_of(Mine, Loud) == [outer]

    def test_a_class_replaces_one_or_takes_it_away(self) -> None:
        class Replaces(Charge):
            name, plugins = "events.replaces", [Watch(), Loud("own")]

        class Without_(Replaces):  # noqa: N801
            name, plugins = "events.without", [Without(Loud)]

        class Below(Without_):
            name = "events.below"

        for job in (Replaces, Without_, Below):
            job.app = App(plugins=[Loud("app")])
        assert [type(each) for each in Replaces._plugins()] == [Loud, Watch]
        assert Replaces._plugins()[0] == Loud("own")
        assert [type(each) for each in Without_._plugins()] == [Watch]
        assert Below._plugins() == Without_._plugins()

    def test_another_app_brings_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Job, "app", App())
        assert Charge._hooks() is None
        monkeypatch.setattr(Job, "app", App(plugins=[Loud("new")]))
        assert Charge._hooks().plugins == (Loud("new"),)
        monkeypatch.setattr(Job, "app", App())
        assert Charge._hooks() is None

    @pytest.mark.parametrize(
        ("plugins", "message"),
        [
            ([Loud], f"App.plugins: expected values like Retry(), got {Loud!r}; call it: add ()"),
            (Loud("a"), f"App.plugins: expected a list, got {Loud('a')!r}; put [] around it"),
            (5, "App.plugins: expected a list, got 5"),
            (
                [Loud("a"), Loud("b")],
                f"App.plugins: expected one Loud at most, got {Loud('a')!r} and {Loud('b')!r}",
            ),
        ],
    )
    def test_what_is_no_list_of_plugins_is_refused(self, plugins: Any, message: str) -> None:
        with pytest.raises(PluginError, match=f"^{re.escape(message)}$"):
            App(plugins=plugins)

    def test_a_deployment_may_bring_some(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BUOY_PLUGINS", f"{__name__}:Watch, {__name__}:LOUD")

        assert [type(each) for each in App().plugins] == [Watch, Loud]
        mine = App(plugins=[Loud("mine"), Without(Watch)])
        assert mine.plugins == (Loud("mine"),)

    @pytest.mark.parametrize(
        ("setting", "message"),
        [
            (
                "sentry",
                "plugins (BUOY_PLUGINS): expected module:name, such as buoy_sentry:Sentry, got ",
            ),
            (
                ":x",
                "plugins (BUOY_PLUGINS): expected module:name, such as buoy_sentry:Sentry, got ':",
            ),
            (
                "no_such:X",
                "plugins (BUOY_PLUGINS): 'no_such:X': expected a module that can be imported, ",
            ),
            ("json:nothing", "plugins (BUOY_PLUGINS): expected 'nothing' in json: "),
            (
                "json:dumps",
                "plugins (BUOY_PLUGINS): 'json:dumps': expected a plugin or a class of plugins, ",
            ),
            (
                f"{__name__}:Loud",
                f"plugins (BUOY_PLUGINS): '{__name__}:Loud': expected a plugin, or a class ",
            ),
        ],
    )
    def test_what_the_setting_cannot_mean_is_refused(
        self, setting: str, message: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BUOY_PLUGINS", setting)

        with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}"):
            App().plugins  # noqa: B018


class TestEnqueueing:
    def test_a_full_queue_raises_and_tells_of_those_that_are_in_it(self, watch: Watch) -> None:
        class Narrow(Charge):
            name, max_length = "events.narrow", 2

        Narrow.enqueue_many([(1,)])
        with pytest.raises(QueueFull, match="1 of 3 jobs"):
            Narrow.enqueue_many([(2,), (3,), (4,)])

        assert watch.words == ["after_enqueue queued"] * 2

    def test_a_held_claim_that_raises_is_told_of(self, watch: Watch) -> None:
        class Claims(Plugin):
            @hookimpl
            def before_enqueue(self, job: Job) -> None:
                job.transition.claim("one", on_conflict="raise")

        class Alone(Charge):
            name, plugins = "events.alone", [Claims()]

        Alone.enqueue()
        with pytest.raises(ClaimHeld):
            Alone.enqueue()

        assert watch.words == ["after_enqueue queued", "after_enqueue claim_held"]

    def test_jobs_by_the_names_of_their_classes_have_the_hooks_of_the_app(
        self, buoy_app: App, watch: Watch
    ) -> None:
        class Own(Charge):
            name, plugins = "events.own", [Loud("never called by name")]

        handle = buoy_app.push("events.own", queue="mail", newer=("field", 3))
        older = buoy_app.push("events.own", queue="mail", newer=("field", 2))
        made = build_job("no.such.Class", queue="mail")
        buoy_app.submit(made)

        assert watch.words == [
            *("after_enqueue queued", "after_enqueue not_newer", "after_enqueue queued"),
        ]
        assert (handle.state, older.code) == ("queued", "not_newer")

    def test_all_ways_are_told_of(self, buoy_app: App, watch: Watch) -> None:
        Charge.enqueue_many([(1,), (2,)])
        asyncio.run(enqueue_awaiting())

        assert watch.words == ["after_enqueue queued"] * 3

    def test_what_a_hook_raises_is_logged(
        self, watch: Watch, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Failing(Charge):
            name, plugins = "events.failing", [Hostile(ValueError("too bad"))]

        handle = Failing.enqueue()

        assert handle.state == "queued"
        assert watch.words == ["after_enqueue queued"]
        [record] = caplog.records
        whose = repr(Failing.plugins[0])
        assert record.getMessage() == (
            f"hook after_enqueue of {whose} failed: ValueError: too bad id={handle.id}"
        )
        assert (record.job_id, record.job_class) == (handle.id, "events.failing")  # type: ignore[attr-defined]
        assert "raise self.error\nValueError: too bad" in caplog.text

    @pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
    def test_what_ends_the_program_ends_it_and_the_job_is_in_its_queue(
        self, buoy_app: App, error: BaseException
    ) -> None:
        class Ending(Charge):
            name, plugins = "events.ending", [Hostile(error)]

        with pytest.raises(type(error)):
            Ending.enqueue()

        assert len(buoy_app.monitor.peek("default")) == 1


async def enqueue_awaiting() -> None:
    await Charge.aenqueue(3)
    await Charge.app.aclose()


@dataclass(frozen=True, eq=False)
class Hostile(Plugin):
    """Raises an error wherever it is told something."""

    error: BaseException

    def fail(self) -> Any:
        raise self.error

    @hookimpl
    def after_enqueue(self) -> None:
        self.fail()

    @hookimpl
    def after_reserve(self) -> None:
        self.fail()

    @hookimpl
    def before_run(self) -> None:
        self.fail()

    @hookimpl
    def after_run(self) -> int:
        self.fail()
        return 5


def run_by(kind: str, job: type[Job], *args: Any) -> Settlement:
    """Run a job as an executor does: in a thread of its own, or on an event loop."""
    payload = Payload(job.name, list(args), {}, "a1").encoded()
    reservation = Reservation("a1", "7:w:1", "mail", payload, worker="w")
    if kind == "loop":
        return asyncio.run(arun(reservation, load_run(reservation)))
    return run(reservation)


class TestRuns:
    @pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), KeyboardInterrupt()])
    @pytest.mark.parametrize("kind", ["thread", "loop"])
    def test_what_a_hook_raises_changes_nothing(
        self, kind: str, error: BaseException, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("buoy.jobs.event.ctrl_c_raises", lambda: False)  # as in a worker
        watch = Watch()

        class Awaiting(Job):
            name, plugins = "events.awaiting", [Hostile(error), watch]

            async def perform(self, amount: int) -> None:
                if amount < 0:
                    raise ValueError("too little")

        assert run_by(kind, Awaiting, 1).outcome == "done"
        assert run_by(kind, Awaiting, -1).outcome == "failed"
        assert [word for word in watch.words if word != "after_reserve"] == [
            *("before_run", "after_run Done", "before_run", "after_run Failed"),
        ]

    @pytest.mark.parametrize("kind", ["thread", "loop"])
    def test_after_run_attaches_to_the_outcome(self, kind: str) -> None:
        class Counting(Plugin):
            @hookimpl
            def after_run(self, job: Job, run: RunInfo) -> None:
                key = f"buoy:{{mail}}:{type(run.outcome).__name__}"
                job.transition.then("INCR", key)

        class Counted(Job):
            name, plugins = "events.counted", [Counting()]

            async def perform(self, amount: int) -> None:
                if amount < 0:
                    raise ValueError("too little")

        assert run_by(kind, Counted, 1).commands == (("INCR", "buoy:{mail}:Done"),)
        assert run_by(kind, Counted, -1).commands == (("INCR", "buoy:{mail}:Failed"),)

    def test_what_cannot_be_attached_is_left_out(self, caplog: pytest.LogCaptureFixture) -> None:
        class Wrong(Plugin):
            @hookimpl(wrapper=True)
            def around_perform(self, job: Job) -> Iterator[None]:
                job.transition.then("INCR", "buoy:{mail}:good")
                return (yield)

            @hookimpl
            def after_run(self, job: Job) -> None:
                job.transition.commands = [("INCR", object())]  # type: ignore[list-item]
                job.plugin_data["x"] = object()  # type: ignore[assignment]

        class Attaching(Charge):
            name, plugins = "events.attaching", [Wrong()]

        settlement = run_by("thread", Attaching)

        assert (settlement.outcome, settlement.commands) == (
            *("done", (("INCR", "buoy:{mail}:good"),)),
        )
        assert "what after_run has attached is left out" in caplog.text

    def test_the_worker_that_ends_a_job_ends_it_before_it_has_begun(self) -> None:
        watch = Watch()

        class Slow(Plugin):
            @hookimpl
            def before_run(self, job: Job) -> None:
                facts(job).ended_by = Terminated("the worker stops")
                raise facts(job).ended_by  # type: ignore[misc]  # as the handler of TERM does

        class Ended(Charge):
            name, plugins = "events.ended", [Slow(), watch]

        assert run_by("thread", Ended).outcome == "released"
        assert watch.words == ["after_reserve", "after_run Released"]

    def test_a_job_that_is_done_stays_done_when_the_worker_would_end_it(self) -> None:
        class Late(Plugin):
            @hookimpl
            def after_run(self, job: Job) -> None:
                facts(job).ended_by = JobTimeout("too late")
                raise facts(job).ended_by  # type: ignore[misc]  # as the handler of TERM does

        class Timely(Charge):
            name, plugins = "events.timely", [Late()]

        assert run_by("thread", Timely).outcome == "done"

    def test_a_job_that_the_worker_has_cancelled_is_told_of(self) -> None:
        watch = Watch()

        class Cancelled(Job):
            name, plugins = "events.cancelled", [watch]

            async def perform(self) -> None:
                asyncio.current_task().cancel()  # type: ignore[union-attr]
                await asyncio.sleep(1)

        payload = Payload(Cancelled.name, [], {}, "a1").encoded()
        reservation = Reservation("a1", "7:w:1", "mail", payload)
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(arun(reservation, load_run(reservation), {"7:w:1"}))
        assert watch.words == ["after_reserve", "before_run", "after_run Released"]

    def test_inline_jobs_are_told_of(self, buoy_app: App, watch: Watch) -> None:
        with buoy_app.inline():
            Charge.enqueue(1)
            with pytest.raises(ValueError, match="too little"):
                Charge.enqueue(-1)

        assert watch.words == [
            *("before_run", "after_run Done", "after_enqueue queued"),
            *("before_run", "after_run Failed"),
        ]
        assert {run.worker for run in watch.runs} == {"inline"}


class TestCosts:
    def test_a_plugin_that_sees_no_enqueueing_costs_none(
        self, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Ends(Plugin):
            @hookimpl
            def after_run(self, run: RunInfo) -> None: ...

        entries: list[Any] = []
        for plugins, quick in (((Ends(),), True), ((Watch(),), False)):
            app = App(buoy_app.settings.url, plugins=plugins)
            monkeypatch.setattr(Job, "app", app)
            monkeypatch.setattr(
                "buoy.app.plain_entries",
                lambda *row: entries.append(row) or plain_entries(*row),  # type: ignore[func-returns-value]
            )
            Charge.enqueue()
            assert bool(entries) is quick, "the quick way, without objects of the class"
            entries.clear()

    def test_without_plugins_a_run_asks_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("tell_reserved", "tell_begun", "settle_told"):
            monkeypatch.setattr(f"buoy.jobs.run.{name}", None)  # a call would raise an error
        with monkeypatch.context() as patched:
            patched.setattr(Job, "app", App())
            assert run_by("thread", Charge).outcome == "done"


class TestMistakes:
    def test_only_plain_functions_are_told(self) -> None:
        class Awaits(Plugin):
            @hookimpl
            async def after_run(self, run: RunInfo) -> None: ...

        class Yields(Plugin):
            @hookimpl
            def before_run(self, run: RunInfo) -> Iterator[None]:
                yield

        class Wraps(Plugin):
            @hookimpl(wrapper=True)
            def after_enqueue(self, job: Job) -> Iterator[None]:
                yield

        for plugin in (Awaits(), Yields(), Wraps()):
            message = ": expected a plain function, since the hook decides nothing and is not "
            with pytest.raises(PluginError, match=message):
                relay((plugin,))

    def test_app_wide_plugins_with_unknown_hooks_are_refused_at_the_first_use(self) -> None:
        class Misspelt(Plugin):
            @hookimpl
            def after_perform(self) -> None: ...

        class Mine(Charge):
            name, app = "events.misspelt", App(plugins=[Misspelt()])

        with pytest.raises(PluginError, match="unknown hook 'after_perform'"):
            Mine.enqueue()
