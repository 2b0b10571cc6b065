"""One run on an event loop: the same as everywhere else, plugins included."""

import asyncio
import json
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buoy import Job, Later, Plugin, hookimpl
from buoy.executor.async_run import arun, perform_in_wrappers
from buoy.jobs.facts import facts
from buoy.jobs.job import facts_of
from buoy.jobs.plugin import call_perform
from buoy.jobs.registry import registry
from buoy.jobs.run import load_run, run
from buoy.model.payload import Payload
from buoy.model.reservation import Reservation, Settlement

EVENTS: list[str] = []
Body = Generator[None, Any, Any]
OWN_WORDS = re.compile(r"RuntimeError\(.*\)")

# Each shape is a wrapper's body, or a plain implementation that decides instead of perform.


def watches(name: str) -> Body:
    EVENTS.append(f"{name} before")
    try:
        result = yield
    except BaseException as error:
        EVENTS.append(f"{name} saw {error!r}")
        raise
    EVENTS.append(f"{name} got {result!r}")
    return result


def mends(name: str) -> Body:
    try:
        return (yield)
    except Exception as error:  # noqa: BLE001
        return f"{name} mended {error!r}"


def spoils(name: str) -> Body:
    result = yield
    raise KeyError(f"{name} spoilt {result!r}")


def changes(name: str) -> Body:
    result = yield
    return f"{name} of {result!r}"


def forgets(name: str) -> Body:
    yield
    EVENTS.append(f"{name} forgot")


def replaces(name: str) -> Body:
    try:
        yield
    except Exception as error:
        raise LookupError(name) from error


def breaks(name: str) -> Body:
    EVENTS.append(f"{name} breaks")
    raise ValueError(name)
    yield


def yields_not(name: str) -> Body:
    if name == "":
        yield


def yields_twice(name: str) -> Body:
    yield
    try:
        yield
    finally:
        EVENTS.append(f"{name} closed")


def leaves(name: str) -> Body:
    yield
    raise SystemExit(name)


WRAPPERS = [watches, mends, spoils, changes, forgets, replaces, breaks, yields_not, leaves]


def wrapper(shape: Callable[[str], Body], name: str, **marks: Any) -> Plugin:
    class Wraps(Plugin):
        @hookimpl(wrapper=True, **marks)  # type: ignore[untyped-decorator]
        def around_perform(self, job: Job) -> Any:
            return (yield from shape(name))

    return Wraps()


def plain(result: Any, name: str, **marks: Any) -> Plugin:
    class Answers(Plugin):
        @hookimpl(**marks)  # type: ignore[untyped-decorator]
        def around_perform(self) -> Any:
            EVENTS.append(f"{name} asked")
            if isinstance(result, BaseException):
                raise result
            return result

    return Answers()


RESULTS: dict[str, Any] = {"result": 42, "nothing": None, "error": ValueError("no")}


class Sync(Job):
    name = "arun.sync"

    def perform(self, what: str) -> Any:
        EVENTS.append("performed")
        if isinstance(RESULTS[what], BaseException):
            raise RESULTS[what]
        return RESULTS[what]


class Awaits(Sync):
    name = "arun.awaits"

    async def perform(self, what: str) -> Any:
        await asyncio.sleep(0)
        return super().perform(what)


def told(call: Callable[[], Any]) -> tuple[str, list[str]]:
    """What came of it, and what happened on the way."""
    EVENTS.clear()
    try:
        outcome = repr(call())
    except BaseException as error:  # noqa: BLE001
        outcome = repr(error)
    # The words of pluggy's own errors are its own.
    lines = [
        re.sub(r"RuntimeError\(.*\)", "RuntimeError", e).strip("\"'") for e in [outcome, *EVENTS]
    ]
    return lines[0], lines[1:]


def compare(plugins: list[Plugin], what: str) -> None:
    results = []
    for kind in (Sync, Awaits):
        job: Any = type(kind.__name__, (kind,), {"plugins": plugins, "name": f"{kind.name}.x"})
        one = facts_of(job, Payload(job.name, [what], {}, "a1"), "mail").new()
        hooks = job._hooks()
        if kind is Sync:
            results.append(
                told(lambda: hooks.around_perform(job=one) if hooks else call_perform(facts(one)))  # noqa: B023
            )
        else:
            results.append(told(lambda: asyncio.run(perform_in_wrappers(facts(one)))))  # noqa: B023
    assert results[0] == results[1]


@pytest.mark.parametrize("what", RESULTS)
class TestWrappersAreDrivenAsPluggyDoes:
    def test_without_plugins(self, what: str) -> None:
        compare([], what)

    @pytest.mark.parametrize("inner", WRAPPERS)
    @pytest.mark.parametrize("outer", [watches, mends, changes, replaces])
    def test_one_around_another(self, what: str, outer: Any, inner: Any) -> None:
        compare([wrapper(outer, "outer"), wrapper(inner, "inner")], what)

    @pytest.mark.parametrize("marks", [{"tryfirst": True}, {"trylast": True}, {}])
    def test_first_and_last(self, what: str, marks: dict[str, bool]) -> None:
        compare(
            [
                wrapper(watches, "one"),
                wrapper(changes, "two", **marks),
                wrapper(watches, "three", tryfirst=True),
                plain(None, "passes"),
            ],
            what,
        )

    @pytest.mark.parametrize("answer", ["instead", 0, None, ValueError("instead")])
    @pytest.mark.parametrize("marks", [{"tryfirst": True}, {"trylast": True}, {}])
    def test_a_plugin_that_answers_instead(
        self, what: str, answer: Any, marks: dict[str, bool]
    ) -> None:
        compare(
            [wrapper(watches, "outer"), plain(answer, "one", **marks), plain(None, "two")], what
        )


MARKS = st.sampled_from([{}, {"tryfirst": True}, {"trylast": True}])
# What pluggy says of a wrapper that does not yield differs from version to version.
YIELDING = [each for each in WRAPPERS if each is not yields_not]
PLUGINS = st.lists(
    st.one_of(
        st.tuples(st.just(wrapper), st.sampled_from(YIELDING), MARKS),
        st.tuples(st.just(plain), st.sampled_from([None, 0, "instead", ValueError("no")]), MARKS),
    ),
    max_size=6,
)


@given(PLUGINS, st.sampled_from(list(RESULTS)))
def test_any_plugins_are_called_in_the_order_of_pluggy(
    plugins: list[tuple[Callable[..., Plugin], Any, dict[str, bool]]], what: str
) -> None:
    known = dict(registry)
    compare(
        [make(what, f"plugin {n}", **marks) for n, (make, what, marks) in enumerate(plugins)], what
    )
    registry.clear()
    registry.update(known)


def test_a_second_yield_does_not_keep_those_outside_from_their_end() -> None:
    """Here pluggy leaves the wrappers outside open."""
    plugins = [wrapper(mends, "outer"), wrapper(yields_twice, "inner")]
    job: Any = type("Twice", (Awaits,), {"plugins": plugins, "name": "arun.twice"})
    one = facts_of(job, Payload(job.name, ["result"], {}, "a1"), "mail").new()
    outcome, events = told(lambda: asyncio.run(perform_in_wrappers(facts(one))))
    assert "outer mended" in outcome
    assert events == ["performed", "inner closed"]


class Asks(Job):
    """Does what it is told."""

    name = "arun.asks"
    log: list[Any] = []

    async def perform(self, what: Any) -> None:
        match what:
            case "cancel":
                this = asyncio.current_task()
                assert this is not None
                this.cancel()
                await asyncio.sleep(0)
            case "exit":
                raise SystemExit(3)
            case "interrupt":
                raise KeyboardInterrupt
            case "late":
                raise TimeoutError("its own")
            case "wait":
                await asyncio.sleep(60)
            case "complain":
                try:
                    await asyncio.sleep(60)
                finally:
                    raise ValueError("not now")
            case list():
                what.append("changed")
                raise ValueError


class Limited(Asks):
    name = "arun.limited"
    timeout = 0.01


def held(job: type[Job], *args: Any) -> Reservation:
    text = Payload(job.name, list(args), {}, "a1").encoded()
    return Reservation("a1", "7:w:1", "mail", text, worker="w")


def one_run(job: type[Job], *args: Any) -> Settlement:
    reservation = held(job, *args)
    return asyncio.run(arun(reservation, load_run(reservation)))


def failure_of(job: type[Job], *args: Any) -> dict[str, Any]:
    settlement = one_run(job, *args)
    assert settlement.outcome == "failed"
    record: dict[str, Any] = json.loads(settlement.payload)["failure"]
    return record


class TestOneRun:
    def test_is_settled_as_everywhere(self) -> None:
        awaited, elsewhere = one_run(Asks, "nothing"), run(held(Asks, "nothing"))

        assert awaited._replace(seconds=None) == elsewhere._replace(seconds=None)
        assert awaited.seconds is not None
        assert 0.0 <= awaited.seconds < 60.0

    @pytest.mark.parametrize(
        ("what", "error"),
        [
            ("cancel", "asyncio.exceptions.CancelledError"),
            ("exit", "SystemExit"),
            ("interrupt", "KeyboardInterrupt"),
            ("late", "TimeoutError"),
        ],
    )
    def test_whatever_a_job_raises_is_its_failure(self, what: str, error: str) -> None:
        failure = failure_of(Asks, what)
        assert failure["error"].removeprefix("builtins.") == error
        assert failure["traceback"].splitlines()[1].endswith("in perform")

    def test_arguments_stay_as_they_were(self) -> None:
        settlement = one_run(Asks, ["as", "enqueued"])
        assert json.loads(settlement.payload)["args"] == [["as", "enqueued"]]

    def test_a_job_that_takes_too_long_is_cancelled(self) -> None:
        failure = failure_of(Limited, "wait")
        assert failure["error"] == "buoy.errors.JobTimeout"
        assert failure["cause"] == "timeout"
        assert failure["message"] == "the job ran longer than its timeout of 0.01 s"
        assert "asyncio.sleep(60)" in failure["traceback"]

    def test_a_timeout_error_of_the_job_is_no_job_timeout(self) -> None:
        assert failure_of(Limited, "late")["message"] == "its own"

    def test_plugins_see_the_timeout_as_such(self) -> None:
        seen: list[BaseException] = []

        class Sees(Plugin):
            @hookimpl(wrapper=True)
            def around_perform(self) -> Iterator[None]:
                try:
                    return (yield)
                except BaseException as error:
                    seen.append(error)
                    raise

            @hookimpl
            def on_failure(self, error: BaseException) -> Later:
                seen.append(error)
                return Later(5.0)

        job = type("Seen", (Limited,), {"plugins": [Sees()], "name": "arun.seen"})
        assert one_run(job, "wait").outcome == "delayed"
        assert [type(error).__name__ for error in seen] == ["JobTimeout"] * 2

    def test_an_old_style_wrapper_is_refused_and_not_taken_for_an_answer(self) -> None:
        @dataclass(frozen=True)
        class Old(Plugin):
            @hookimpl(hookwrapper=True)
            def around_perform(self) -> Iterator[None]:
                yield

        job = type("OldStyle", (Asks,), {"plugins": [Old()], "name": "arun.old"})
        failure = failure_of(job, "nothing")
        assert failure["error"] == "buoy.errors.PluginError"
        assert "wrapper=True" in failure["message"]

    @pytest.mark.parametrize("what", ["wait", "complain"])
    def test_a_coroutine_that_is_told_to_end_has_not_failed(self, what: str) -> None:
        async def tell() -> None:
            reservation, told = held(Asks, what), set[str]()
            running = asyncio.create_task(arun(reservation, load_run(reservation), told))
            await asyncio.sleep(0)
            told.add(reservation.token)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

        asyncio.run(tell())
