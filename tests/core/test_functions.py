"""Functions that are jobs: to tools they look like functions, and they know their run."""

import asyncio
import inspect
import pydoc
import re
import threading
from abc import ABC
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from functools import partial
from typing import Any

import pytest

from buoy import (
    App,
    ConfigurationError,
    Handle,
    InvalidArguments,
    Job,
    NoCurrentJob,
    Plugin,
    QueueFull,
    current_job,
    enqueue,
    job,
)
from buoy.cli.job_facts import job_facts
from buoy.executor.limits import run_in_process
from buoy.jobs.current import Process, carry_into_threads, process
from buoy.model.payload import Payload
from buoy.model.reservation import Reservation
from buoy.testing import FakeWorker, drain, perform_job

pytestmark = pytest.mark.usefixtures("buoy_registry")


def refused(message: str, error: type[Exception] = ConfigurationError) -> Any:
    return pytest.raises(error, match=f"^{re.escape(message)}$")


anything: Any = job


@job(queue="mail")
def send(address: str, *, copies: int = 1) -> str:
    """Send a mail."""
    return address * copies


@job
async def fetch(url: str) -> int:
    return len(url)


class TestTools:
    def test_signature_docstring_and_names_are_those_of_the_function(self) -> None:
        assert str(inspect.signature(send)) == "(address: str, *, copies: int = 1) -> str"
        assert (send.__doc__, send.__name__) == ("Send a mail.", "send")
        assert inspect.unwrap(send)("a", copies=2) == "aa"
        assert send("a") == "a"

    def test_help_is_short(self) -> None:
        plain: Any = vars(pydoc)["plaintext"]
        shown = pydoc.render_doc(send, renderer=plain)

        assert "send(address: str, *, copies: int = 1) -> str" in shown
        assert "Send a mail." in shown
        assert len(shown.splitlines()) < 60, shown

    def test_coroutine_functions_are_known_as_such(self) -> None:
        assert asyncio.iscoroutinefunction(fetch)
        assert not asyncio.iscoroutinefunction(send)
        if hasattr(inspect, "markcoroutinefunction"):  # Python 3.12
            assert inspect.iscoroutinefunction(fetch)
            assert not inspect.iscoroutinefunction(send)


class TestOptions:
    def test_app_and_base_and_all_attributes_are_options(self, buoy_app: App) -> None:
        app = App(buoy_app.settings.url, namespace="other")

        class ShopJob(Job, ABC):
            queue, timeout, tags = "shop", 60, ["shop"]

            def title(self) -> str:
                return f"{self.name} {self.attempt}"

        @job(base=ShopJob, app=app, name="functions.pay", timeout=5, check_types=True)
        def pay(sum: int) -> str:
            me = current_job()
            assert isinstance(me, ShopJob)
            return me.title()

        assert (pay.queue, pay.timeout, pay.tags, pay.app) == ("shop", 5, ("shop",), app)
        assert pay.enqueue(1).queue == "shop"
        assert [view.name for view in app.monitor.peek("shop")] == ["functions.pay"]
        assert app.perform(app.build(pay, 1)) == "functions.pay 1"
        with pytest.raises(InvalidArguments, match="expected int, got str"):
            pay.enqueue("1")  # type: ignore[arg-type]

    def test_defaults_of_job_hold_for_functions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Job, "timeout", 9)

        @job(name="functions.first")
        def first() -> None: ...

        @job(name="functions.second", timeout=None)
        def second() -> None: ...

        assert (first.timeout, second.timeout) == (9, None)

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: anything("mail"), "job: expected a function, got 'mail'; say "
             "@job(queue='mail')"),
            (lambda: anything(lambda: None, quue="x"), "job: expected one of the options base, "
             "app, name, queue, plugins, tags, redact, check_types, max_length, timeout, "
             "max_memory, expires, priority, got 'quue'"),
            (lambda: job(base=send), "job(base): expected a subclass of Job, written as a class, "
             f"got {send!r}"),
            (lambda: anything(base=int), "job(base): expected a subclass of Job, written as a "
             "class, got <class 'int'>"),
        ],
    )  # fmt: skip
    def test_wrong_options_are_told(self, make: Callable[[], Any], message: str) -> None:
        with refused(message):
            make()

    def test_methods_are_refused(self) -> None:
        said = (
            "job: expected a function, got the method {}: a worker has no object to call it on; "
            "make it a function of its module, or write a subclass of Job"
        )
        here = "TestOptions.test_methods_are_refused.<locals>.Shop"
        with refused(said.format(f"{here}.pay")):

            class Shop:
                @job
                def pay(self, sum: int) -> None: ...

        with refused(said.format(f"{here}.pay")):

            class Shop:  # type: ignore[no-redef]
                @job
                @classmethod
                def pay(cls, sum: int) -> None: ...

        class Open:
            def pay(self, sum: int) -> None: ...

        with refused(said.format(f"{here[:-4]}Open.pay")):
            job(Open().pay)

    def test_parameters_may_have_any_names(self, buoy_app: App) -> None:
        @job
        def odd(cls: int, self: int, job: int, *, args: int, queue: int) -> list[int]:
            return [cls, self, job, args, queue]

        given = dict.fromkeys(("cls", "self", "job", "args", "queue"), 1)
        assert odd(**given) == [1] * 5
        handles = [odd.enqueue(**given), odd.using(delay=0).enqueue(**given)]
        handles += [enqueue(odd, **given), *odd.enqueue_many([given])]
        assert {handle.identifier for handle in handles} == {handles[0].identifier}
        assert drain(buoy_app) == {"done": 4}
        assert perform_job(odd, **given) == [1] * 5

    def test_static_methods_and_partials_are_functions(self) -> None:
        class Shop:
            @staticmethod
            @job(name="functions.static")
            def pay(sum: int) -> int:
                return sum

        half: Any = job(name="functions.half")(partial(pow, 2))

        assert Shop.pay(7) == 7
        assert half(3) == 8


class TestOtherWords:
    @pytest.mark.parametrize("word", ["delay", "apply_async", "send"])
    def test_words_of_other_systems_say_the_way(self, word: str) -> None:
        said = (
            f"send.{word}: expected a name of buoy; say send.enqueue(...), or "
            ".using(delay=60).enqueue(...) to wait first"
        )
        with refused(said, AttributeError):
            getattr(send, word)
        assert not hasattr(Job, word)

    def test_a_class_may_use_them(self) -> None:
        class Mail(Job):
            delay = 5

            def perform(self) -> None: ...

            def send(self) -> str:
                return "sent"

        assert (Mail.delay, Mail.send(Mail())) == (5, "sent")


class TestUsing:
    def test_limits_of_one_job_are_stored_with_it(self, buoy_app: App) -> None:
        built = send.using(timeout=5, max_memory=10**8, expires=60).build("a")

        assert (built.timeout, built.max_memory) == (5, 10**8)
        assert (send.timeout, send.using().build("a").timeout) == (None, None)
        assert built.payload.limits == {"timeout": 5, "max_memory": 10**8}
        assert built.payload.expires_at == round(built.payload.enqueued_at + 60, 3)
        assert Payload.decoded(built.payload.encoded()).limits == built.payload.limits

    def test_people_see_them(self, buoy_app: App) -> None:
        limited, free = send.using(timeout=5).enqueue("a"), send.enqueue("b")
        views = [buoy_app.find(each.id) for each in (limited, free)]

        assert [job_facts(view)["limits"] for view in views if view] == [{"timeout": 5}, {}]

    def test_a_job_knows_its_own_limits_in_its_run(self, buoy_app: App) -> None:
        seen: list[Any] = []

        @job(name="functions.limits", timeout=60)
        def limits() -> None:
            seen.append(current_job().timeout)

        limits.using(timeout=5).enqueue()
        limits.enqueue()

        assert drain(buoy_app) == {"done": 2}
        assert seen == [5, 60]

    def test_it_expires_and_keeps_out_of_a_full_queue(self, buoy_app: App, buoy_clock: Any) -> None:
        send.using(expires=5).enqueue("late")
        buoy_clock.advance(6)
        assert drain(buoy_app) == {"rejected": 1}

        send.using(max_length=1).enqueue("first")
        with pytest.raises(QueueFull, match="expected fewer than 1 queued and delayed jobs, got 1"):
            send.using(max_length=1).enqueue("second")

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"timeout": 0}, "using(timeout): expected a number, more than 0, got 0"),
            ({"max_memory": 1.5}, "using(max_memory): expected a whole number, more than 0, "
             "got 1.5"),
            ({"expires": float("inf")}, "using(expires): expected less than 10000000000, got inf"),
            ({"expires": "soon"}, "using(expires): expected a number, more than 0, got 'soon'"),
            ({"urgency": 5}, "using: expected one of queue, delay, at, id, newer, tags, timeout, "
             "max_memory, expires, max_length, priority, front, replace, got 'urgency'"),
        ],
    )  # fmt: skip
    def test_wrong_values_are_told(self, given: dict[str, Any], message: str) -> None:
        with refused(message):
            send.using(**given)

    def test_what_cannot_be_kept_in_this_process_fails(self, buoy_app: App) -> None:
        payload = send.using(timeout=5).build("a").payload.encoded()
        settled = run_in_process(Reservation("a1", "1:w:1", "mail", payload, worker="w"))

        assert settled.outcome == "failed"
        assert "expected a job without timeout, got one with using(timeout=...)" in settled.payload


class TestCurrentJob:
    def test_outside_of_jobs_there_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("buoy.jobs.current.process", Process())  # not that of other tests
        with refused(
            "current_job: expected a call within a job, got one outside of jobs; "
            "current_job(None) returns None there",
            NoCurrentJob,
        ):
            Context().run(current_job)  # not that of the tests before
        assert Context().run(current_job, None) is None
        assert issubclass(NoCurrentJob, LookupError)

    def test_a_run_knows_its_job_and_its_attempt(self, buoy_app: App) -> None:
        seen: list[tuple[str, int, str]] = []

        @job(name="functions.look")
        def look() -> None:
            me = current_job()
            seen.append((me.id, me.attempt, me.queue))

        handle = look.using(queue="mail").enqueue()
        worker = FakeWorker(buoy_app, "mail")
        assert worker.run(worker.take())

        assert seen == [(handle.id, 1, "mail")]
        assert current_job(None) is None

    def test_it_is_the_object_on_which_perform_was_called(self, buoy_app: App) -> None:
        class Look(Job):
            def perform(self) -> None:
                assert current_job() is self

        class Watched(Look):
            plugins = [Nothing()]

        for each in (Look, Watched):
            buoy_app.perform(buoy_app.build(each))

    def test_a_job_within_a_job_is_the_current_one(self, buoy_app: App) -> None:
        seen: list[str] = []

        @job(name="functions.inner")
        def inner() -> None:
            seen.append(current_job().name)

        @job(name="functions.outer")
        def outer() -> None:
            inner.enqueue()
            seen.append(current_job().name)

        with buoy_app.inline():
            outer.enqueue()

        assert seen == ["functions.inner", "functions.outer"]

    def test_what_a_job_leaves_behind_has_none(self, buoy_app: App) -> None:
        seen: list[object] = []
        gate = threading.Event()
        threads: list[threading.Thread] = []

        def late() -> None:
            gate.wait(60)
            seen.append(current_job(None))
            try:
                current_job()
            except NoCurrentJob as error:
                seen.append(str(error))

        @job(name="functions.leave")
        def leave() -> None:
            threads.append(threading.Thread(target=late))
            threads[0].start()

        buoy_app.perform(buoy_app.build(leave))
        gate.set()
        threads[0].join()

        assert seen == [
            None,
            "current_job: expected a call within a job, got one in what a job has left behind at "
            "its end; current_job(None) returns None there",
        ]

    def test_a_pool_does_not_keep_the_job_that_has_started_its_threads(self, buoy_app: App) -> None:
        pool = ThreadPoolExecutor(1)

        @job(name="functions.start")
        def start() -> str:
            return pool.submit(lambda: current_job().id).result()

        first, second = buoy_app.build(start), buoy_app.build(start)
        assert [buoy_app.perform(each) for each in (first, second)] == [first.id, second.id]
        assert pool.submit(current_job, None).result() is None
        pool.shutdown()

    def test_a_thread_may_be_of_any_class(self, buoy_app: App) -> None:
        class Own(threading.Thread):
            def run(self) -> None:
                self.found = current_job().id

        @job(name="functions.own")
        def own() -> str:
            thread = Own()
            thread.start()
            thread.join()
            return thread.found

        built = buoy_app.build(own)
        assert buoy_app.perform(built) == built.id

    def test_a_library_may_wrap_the_run_of_threads(
        self, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As Sentry does: it calls the function of the method with the thread."""
        start = threading.Thread.start

        def start_wrapped(thread: threading.Thread) -> None:
            function = getattr(thread.run, "__func__", thread.run)
            thread.run = lambda: function(thread)  # type: ignore[call-arg, method-assign]
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", start_wrapped)
        monkeypatch.setattr(ThreadPoolExecutor, "submit", ThreadPoolExecutor.submit)
        monkeypatch.setattr(process, "carries", False)
        carry_into_threads()
        seen: list[str] = []

        @job(name="functions.wrapped")
        def wrapped() -> None:
            thread = threading.Thread(target=lambda: seen.append(current_job().id))
            thread.start()
            thread.join()

        built = buoy_app.build(wrapped)
        buoy_app.perform(built)

        assert seen == [built.id]

    def test_a_thread_of_a_pool_belongs_to_who_gives_it_work(self, buoy_app: App) -> None:
        """Not to the job for which it was started, though that still runs."""
        pool = ThreadPoolExecutor(1)
        outside = Context()

        @job(name="functions.pooled")
        def pooled() -> tuple[str, Any]:
            own = pool.submit(lambda: current_job().id).result()
            return own, outside.run(lambda: pool.submit(current_job, None)).result()

        built = buoy_app.build(pooled)
        assert buoy_app.perform(built) == (built.id, None)
        pool.shutdown()


class Nothing(Plugin):
    """Has no hooks."""

    def __hash__(self) -> int:
        return 1


def test_a_job_of_a_session_is_refused_where_it_is_enqueued() -> None:
    """It has no file from which a worker could import it."""
    names: dict[str, Any] = {"__name__": "__main__", "__spec__": None}
    exec("import buoy\n@buoy.job\ndef typed(n: int) -> None: ...", names)

    with pytest.raises(ConfigurationError, match=r"^typed: expected a class of a module that work"):
        names["typed"].enqueue(1)
    with names["typed"].app.inline():
        assert isinstance(names["typed"].enqueue(1), Handle)
