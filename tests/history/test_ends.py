"""What is remembered of the end of a job, and when."""

import time
from collections.abc import Iterator

import pytest

from buoy import App, Job, Plugin, Without, hookimpl
from buoy.operations.failed_set import retry
from buoy.testing import Clock, FakeWorker, drain, plugin_contract
from buoy_history import EndedJob, History, history

from .shop import Charge, Expiring, Stubborn


def ends() -> list[EndedJob]:
    return list(history().find())


@pytest.fixture
def worker(buoy_app: App) -> FakeWorker:
    return FakeWorker(buoy_app, "purchasing")


def test_the_contract_of_plugins_is_kept(buoy_app: App) -> None:
    plugin_contract(History(result=True))


def test_a_job_that_is_done_is_remembered(buoy_app: App) -> None:
    handle = Charge.using(tags=["vip"]).enqueue(42, note="é")
    drain(buoy_app)

    [end] = ends()

    assert (end.id, end.name, end.queue) == (handle.id, Charge.name, "purchasing")
    assert (end.state, end.attempt, end.worker) == ("done", 1, "drain")
    assert (end.args, end.kwargs, end.result) == ([42, "é"], {}, {"charged": 42})
    assert end.tags == ("money", "vip")
    assert (end.error, end.message, end.missing) == ("", "", "")
    assert abs(time.time() - end.ended_at) < 60
    assert end.enqueued_at is not None
    assert 0 <= end.ended_at - end.enqueued_at < 60
    assert 0 <= end.seconds < 60
    assert 0 <= end.waited < 60


def test_a_job_that_failed_is_remembered_with_its_error(buoy_app: App) -> None:
    Charge.enqueue(-1)
    drain(buoy_app)

    [end] = ends()

    assert (end.state, end.error, end.message) == ("failed", "ValueError", "no purchase -1")
    assert (end.cause, end.result) == ("exception", None)


def test_a_job_whose_process_was_killed_is_remembered(worker: FakeWorker) -> None:
    Charge.enqueue(1)

    worker.kill(worker.take())

    [end] = ends()
    assert (end.state, end.error, end.cause) == (
        "failed",
        "buoy.errors.DirtyExit",
        "signal 9 (SIGKILL)",
    )


def test_a_job_that_expired_is_remembered(buoy_app: App, buoy_clock: Clock) -> None:
    Expiring.enqueue()
    buoy_clock.advance(60)
    drain(buoy_app)

    [end] = ends()

    assert (end.state, end.message, end.seconds) == ("rejected", "expired", 0.0)
    assert end.waited > 50


def test_only_the_last_attempt_is_an_end(buoy_app: App, buoy_clock: Clock) -> None:
    Stubborn.enqueue()
    drain(buoy_app)
    assert ends() == []
    buoy_clock.advance(101)
    drain(buoy_app)

    [end] = ends()

    assert (end.state, end.attempt, end.error) == ("failed", 2, "TimeoutError")


def test_a_job_that_is_retried_by_hand_ends_again(buoy_app: App) -> None:
    handle = Charge.enqueue(-1)
    drain(buoy_app)
    [view] = buoy_app.monitor.failed()
    retry(buoy_app.control, [view])
    drain(buoy_app)

    assert [end.state for end in history().get(handle.id)] == ["failed", "failed"]


def test_an_outcome_that_redis_refuses_is_not_remembered(worker: FakeWorker) -> None:
    Charge.enqueue(1)
    lost = worker.take()
    worker.lose()

    assert not worker.run(lost)
    assert ends() == []

    assert worker.run(worker.take())
    assert [end.state for end in ends()] == ["done"]


def test_inline_jobs_are_not_remembered(buoy_app: App) -> None:
    with buoy_app.inline():
        Charge.enqueue(1)

    assert ends() == []


OBJECT = "result: expected str, int, float, bool, None, list or dict, got object"


class Odd(Exception):
    def __str__(self) -> str:
        raise RuntimeError


class Strange(Job):
    plugins = [History(result=True)]

    def perform(self, what: str) -> object:
        if what == "error":
            raise Odd
        if what == "long":
            raise ValueError("x" * 100_000)
        if what == "surrogate":
            raise ValueError("\udc80\n\x1b[31m")
        if what == "name":
            raise type("N" * 5000, (Exception,), {})
        return {
            "object": object(),
            "large": "x" * 5000,
            "nan": float("nan"),
            "no text": "\udc80",
            "no name": {"\udc80": object()},
            "deep": nested(),
        }[what]


def nested() -> list[object]:
    value: list[object] = []
    for _ in range(5000):
        value = [value]
    return value


@pytest.mark.parametrize("what", ["error", "long", "surrogate", "name"])
def test_an_odd_error_is_remembered(buoy_app: App, what: str) -> None:
    Strange.enqueue(what)
    drain(buoy_app)

    [end] = ends()

    assert end.state == "failed"
    assert len(end.error) <= 1000
    assert len(end.message) <= 1000


@pytest.mark.parametrize(
    ("what", "missing"),
    [
        ("object", OBJECT),
        ("large", "result: expected at most 4096 bytes of JSON, got 5002"),
        ("nan", "result: expected a finite number, got nan"),
        ("no text", "result: expected text that UTF-8 can hold, got '\\udc80'"),
        ("no name", "result: expected text that UTF-8 can hold, got '\\udc80'"),
        (
            "deep",
            f"result, {('[0]' * 100)[:92]}…: expected at most 100 levels of lists and "
            "dicts, got more",
        ),
    ],
)
def test_a_result_that_cannot_be_kept_is_left_out(buoy_app: App, what: str, missing: str) -> None:
    Strange.enqueue(what)

    assert drain(buoy_app) == {"done": 1}

    [end] = ends()
    assert (end.state, end.result) == ("done", None)
    assert end.missing == missing


def test_large_arguments_are_left_out(buoy_app: App) -> None:
    Charge.enqueue(1, "x" * 5000)
    drain(buoy_app)

    [end] = ends()

    assert (end.args, end.kwargs, end.result) == (None, None, {"charged": 1})
    assert end.missing == "args: expected at most 4096 bytes of JSON, got 5011"


def test_hidden_arguments_are_not_kept(buoy_app: App) -> None:
    class Pay(Job):
        plugins = [History()]
        redact = ("card",)

        def perform(self, card: str, *, order: int, **more: object) -> None: ...

    Pay.enqueue("4111", order=1, Card="4111")
    drain(buoy_app)

    [end] = ends()
    assert (end.args, end.kwargs) == (["[redacted]"], {"order": 1, "Card": "[redacted]"})


def test_without_args_no_argument_is_kept(buoy_app: App) -> None:
    class Secret(Job):
        plugins = [History(args=False)]

        def perform(self, password: str) -> str:
            return password

    Secret.enqueue("hunter2")
    drain(buoy_app)

    [end] = ends()

    assert (end.args, end.result, end.missing) == (None, None, "")
    [stream] = buoy_app.command("KEYS", "*history:of*")
    assert b"hunter2" not in buoy_app.command("DUMP", stream)


def test_a_later_error_of_the_run_drops_the_result(buoy_app: App) -> None:
    class Late(Plugin):
        @hookimpl(wrapper=True)
        def around_perform(self, job: Job) -> Iterator[None]:
            yield
            raise RuntimeError("late")

    class Charged(Job):
        plugins = [Late(), History(result=True)]

        def perform(self) -> int:
            return 7

    Charged.enqueue()
    drain(buoy_app)

    [end] = ends()

    assert (end.state, end.result) == ("failed", None)
    [view] = buoy_app.monitor.failed()
    assert view.plugin_data == {}


def test_an_app_wide_history_is_of_all_classes_but_those_that_go_without(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App(buoy_app.settings.url, plugins=[History()])
    monkeypatch.setattr(Job, "app", app)

    class Plain(Job):
        def perform(self) -> int:
            return 1

    class Kept(Job):
        plugins = [History(result=True)]

        def perform(self) -> int:
            return 2

    class Unseen(Job):
        plugins = [Without(History)]

        def perform(self) -> int:
            return 3

    for job in (Plain, Kept, Unseen):
        job.enqueue()
    drain(app)

    assert {(end.name, end.result) for end in ends()} == {(Plain.name, None), (Kept.name, 2)}


class Guarded(Job):
    """Keeps to itself what is set on it."""

    plugins = [History(result=True)]

    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError(name)

    def __eq__(self, other: object) -> bool:
        raise TypeError

    __hash__ = None  # type: ignore[assignment]

    def perform(self) -> int:
        return 7


def test_a_class_that_can_hold_nothing_has_its_result_remembered(buoy_app: App) -> None:
    Guarded.enqueue()
    drain(buoy_app)

    [end] = ends()

    assert (end.state, end.result) == ("done", 7)
