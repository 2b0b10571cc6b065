import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from buoy import Job, Later, Plugin, PluginError, Rejected, Without, hookimpl
from buoy.jobs.facts import facts
from buoy.jobs.job import facts_of
from buoy.jobs.relay import WorkerRelay, hook_names
from buoy.jobs.run import perform
from buoy.model.payload import Payload

heard: list[str] = []


@pytest.fixture(autouse=True)
def silence() -> None:
    heard.clear()


@dataclass(frozen=True)
class Loud(Plugin):
    """Says what it is asked, and answers what it is made with."""

    name: str = "loud"
    verdict: Any = None

    @hookimpl
    def before_enqueue(self, job: Job) -> Any:
        heard.append(f"{self.name} before")
        return self.verdict

    @hookimpl(wrapper=True)
    def around_perform(self, job: Job) -> Iterator[None]:
        heard.append(f"{self.name} in")
        try:
            return (yield)
        finally:
            heard.append(f"{self.name} out")

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Any:
        heard.append(f"{self.name} failure")
        return self.verdict


@dataclass(frozen=True)
class Louder(Loud):
    name: str = "louder"


@dataclass(frozen=True)
class Quiet(Plugin):
    pass


def job_class(plugins: Any, *bases: type, name: str = "Worked") -> type[Job]:
    def run(self: Job) -> str:
        heard.append("perform")
        return "result"

    body = {"plugins": plugins, "perform": run, "name": f"{__name__}.{name}"}
    return type(name, bases or (Job,), body)


def one(job: type[Job]) -> Job:
    made: Job = facts_of(job, Payload(job.name, [], {}, "a1"), "mail").new()
    return made


class TestMerging:
    def test_a_class_has_its_bases_plugins(self) -> None:
        base = job_class([Loud()])

        assert job_class([], base)._declared == (Loud(),)
        assert job_class([Quiet()], base)._declared == (Loud(), Quiet())

    def test_one_of_the_same_type_replaces_the_inherited_whole_and_in_its_place(self) -> None:
        base = job_class([Loud("first", verdict=1), Quiet()])

        assert job_class([Loud("second")], base)._declared == (Loud("second"), Quiet())

    def test_a_subtype_is_another_type(self) -> None:
        assert job_class([Louder()], job_class([Loud()]))._declared == (Loud(), Louder())

    def test_without_takes_an_inherited_one_away(self) -> None:
        base = job_class([Loud(), Quiet()])
        lower = job_class([Without(Loud)], base)

        assert lower._declared == (Quiet(),)
        assert job_class([Loud("back")], lower)._declared == (Quiet(), Loud("back"))
        assert base._declared == (Loud(), Quiet())

    def test_all_bases_count_the_farthest_first(self) -> None:
        class Mixin:
            plugins = [Quiet()]

        assert job_class([], job_class([Loud()]), Mixin)._declared == (Quiet(), Loud())

    def test_a_class_without_plugins_has_no_hooks(self) -> None:
        assert job_class([])._hooks() is None
        assert job_class([Without(Loud)], job_class([Loud()]))._hooks() is None

    def test_equal_lists_share_one_relay(self) -> None:
        assert job_class([Loud()])._hooks() is job_class([Loud()])._hooks()
        assert job_class([Loud()])._hooks() is not job_class([Loud("x")])._hooks()


@dataclass(frozen=True)
class Listed(Plugin):
    on: list[str] = field(default_factory=list)


class TestMistakes:
    @pytest.mark.parametrize(
        ("plugins", "message"),
        [
            (
                [Loud],
                f"Worked.plugins: expected values like Retry(), got {Loud!r}; call it: add ()",
            ),
            (["retry"], "Worked.plugins: expected values like Retry(), got 'retry'"),
            (
                [Loud("a"), Quiet(), Loud("b")],
                f"Worked.plugins: expected one Loud at most, got {Loud('a')!r} and {Loud('b')!r}",
            ),
            (Quiet(), "Worked.plugins: expected a list, got Quiet(); put [] around it"),
            (
                [Listed(["x"])],
                "Worked.plugins: expected immutable values, got Listed(on=['x']) "
                "(unhashable type: 'list'); keep tuples in it, not lists, and freeze its dataclass",
            ),
        ],
    )
    def test_what_is_no_plugin_is_refused_where_it_is_declared(
        self, plugins: Any, message: str
    ) -> None:
        with pytest.raises(PluginError, match=f"^{re.escape(message)}$"):
            job_class(plugins)

    def test_without_takes_a_class(self) -> None:
        message = re.escape(f"Without: expected a class of plugins, got {Quiet()!r}")

        with pytest.raises(PluginError, match=f"^{message}$"):
            Without(Quiet())  # type: ignore[arg-type]

    def test_a_hook_that_does_not_exist_is_refused(self) -> None:
        @dataclass(frozen=True)
        class Wrong(Plugin):
            @hookimpl
            def after_perform(self, job: Job) -> None: ...

        with pytest.raises(PluginError) as raised:
            job_class([Wrong()])._hooks()

        assert str(raised.value).startswith(
            f"{Wrong()!r}: expected hooks of a plugin (before_enqueue, codec_for, sealer, "
            "after_enqueue, after_reserve, before_run, around_perform, keep_progress, on_failure, "
            "after_run, worker_started, before_fork, after_fork, before_exit, worker_stopping), "
            "got: unknown hook 'after_perform'"
        )

    def test_an_argument_that_does_not_exist_is_refused(self) -> None:
        @dataclass(frozen=True)
        class Wrong(Plugin):
            @hookimpl
            def before_enqueue(self, payload: Any) -> None: ...

        with pytest.raises(PluginError, match=r"Argument\(s\) \{'payload'\} are declared"):
            job_class([Wrong()])._hooks()


class TestOrder:
    def test_the_first_listed_is_outermost(self) -> None:
        job = job_class([Loud("a"), Louder("b")])

        assert perform(facts(one(job))) == "result"

        assert heard == ["a in", "b in", "perform", "b out", "a out"]

    def test_the_first_that_decides_decides(self) -> None:
        rejected = Rejected("no")
        job = job_class([Loud("a"), Louder("b", rejected), Quiet()])

        assert one(job)._hooks().before_enqueue(job=one(job)) == rejected
        assert heard == ["a before", "b before"]

        heard.clear()
        job = job_class([Loud("a", Later(5)), Louder("b")])
        assert one(job)._hooks().on_failure(job=one(job), error=KeyError()) == Later(5)
        assert heard == ["a failure"]

    def test_a_wrapper_sees_the_final_verdict(self) -> None:
        seen: list[Any] = []

        @dataclass(frozen=True)
        class Watching(Plugin):
            @hookimpl(wrapper=True)
            def on_failure(self, job: Job, error: BaseException) -> Iterator[None]:
                verdict = yield
                seen.append(verdict)
                return verdict

        job = job_class([Loud("a", Later(5)), Watching()])

        assert one(job)._hooks().on_failure(job=one(job), error=KeyError()) == Later(5)
        assert seen == [Later(5)]

    def test_a_job_without_plugins_is_just_performed(self) -> None:
        assert perform(facts(one(job_class([])))) == "result"

        assert heard == ["perform"]


def test_a_coroutine_is_run_to_its_end_inside_the_wrappers() -> None:
    class Async(Job):
        plugins = [Loud("a")]

        async def perform(self) -> str:
            heard.append("perform")
            return "result"

    assert perform(facts(one(Async))) == "result"
    assert heard == ["a in", "perform", "a out"]


def test_the_hooks_of_a_plugin_are_known_by_name() -> None:
    assert hook_names(Loud()) == ["before_enqueue", "around_perform", "on_failure"]
    assert hook_names(Quiet()) == []


class TestModules:
    def test_a_module_of_the_app_has_the_hooks_of_a_workers_life(self) -> None:
        module = ModuleType("app")

        @hookimpl
        def worker_started() -> None:
            heard.append("started")

        module.worker_started = worker_started  # type: ignore[attr-defined]
        module.other = len  # type: ignore[attr-defined]

        WorkerRelay([module]).worker_started()

        assert heard == ["started"]

    def test_a_module_of_the_app_may_not_have_a_hook_of_jobs(self) -> None:
        module = ModuleType("app")

        @hookimpl
        def on_failure(job: Job) -> None: ...

        module.on_failure = on_failure  # type: ignore[attr-defined]

        with pytest.raises(PluginError) as raised:
            WorkerRelay([module])

        assert str(raised.value).startswith(
            "<module 'app'>: expected hooks of the module of an app (worker_started, before_fork, "
            "after_fork, before_exit, worker_stopping), got: unknown hook 'on_failure'"
        )


def test_an_app_may_hold_what_does_not_bear_to_be_looked_at() -> None:
    class Proxy:
        """For what there is in a request only, as web frameworks have them."""

        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError("outside of a request")

    heard = []
    module = ModuleType("shop")
    module.current = Proxy()  # type: ignore[attr-defined]
    module.worker_started = hookimpl(lambda: heard.append("started"))  # type: ignore[attr-defined]

    WorkerRelay([module]).worker_started()

    assert heard == ["started"]
