import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import buoy
from buoy import (
    App,
    ConfigurationError,
    Handle,
    InvalidArguments,
    Job,
    PayloadTooLarge,
    QueueFull,
    UnknownJob,
    job,
)
from buoy.jobs.registry import find_class
from buoy.testing import drain

ran: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()


class Charge(Job):
    queue = "purchasing"

    def perform(self, purchase_id: int, note: str = "") -> str:
        ran.append((self, purchase_id, note))
        return "paid"


class ByCart(Job):
    def perform(self, cart: int, tries: int) -> None: ...

    @classmethod
    def identify(cls, cart: int, *_: Any) -> str:
        return f"cart-{cart}"


@job(queue="mail", name="send")
def send(address: str, subject: str = "hello") -> str:
    """Send a mail."""
    ran.append((address, subject))
    return f"{subject} to {address}"


def only(app: App, queue: str = "purchasing") -> Any:
    [view] = [*app.monitor.peek(queue), *app.monitor.delayed(queue)]
    return view


class TestDeclaration:
    def test_a_class_is_named_by_its_module_and_name(self) -> None:
        assert Charge.name == f"{__name__}.Charge"
        assert find_class(Charge.name) is Charge

    def test_a_name_of_its_own_is_not_inherited(self) -> None:
        class Base(Job):
            name = "base-of-all"

            def perform(self) -> None: ...

        class Lower(Base):
            pass

        assert find_class("base-of-all") is Base
        assert Lower.name == f"{__name__}.{Lower.__qualname__}"

    def test_a_name_belongs_to_one_class(self) -> None:
        class Other(Job):
            name = "taken"

            def perform(self) -> None: ...

        message = (
            f"{__name__}.{TestDeclaration.__qualname__}.test_a_name_belongs_to_one_class.<locals>"
            f".Another.name: expected a name of its own, got 'taken', which is that of "
            f"{__name__}.{Other.__qualname__}; give one of them another name"
        )
        with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):

            class Another(Job):
                name = "taken"

                def perform(self) -> None: ...

    def test_an_unknown_name_is_no_class(self) -> None:
        with pytest.raises(UnknownJob) as raised:
            find_class("shop.Gone")

        assert re.match(
            r"no job named 'shop\.Gone': expected one of the \d+ job classes that the app has "
            r"imported; import its module in what -a names, then retry the job$",
            str(raised.value),
        )

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({"queue": "a b"}, "queue: expected a name without spaces and without any of "
             "{}*?[]!,: got 'a b'"),
            ({"name": ""}, "Wrong.name: expected a non-empty text of one line, got ''"),
            ({"timeout": 0}, "Wrong.timeout: expected a number, more than 0, got 0"),
            ({"timeout": "5"}, "Wrong.timeout: expected a number, more than 0, got '5'"),
            ({"timeout": True}, "Wrong.timeout: expected a number, more than 0, got True"),
            ({"expires": -1}, "Wrong.expires: expected a number, more than 0, got -1"),
            ({"max_length": 0}, "Wrong.max_length: expected a whole number, more than 0, got 0"),
            (
                {"max_memory": 1.5},
                "Wrong.max_memory: expected a whole number, more than 0, got 1.5",
            ),
        ],
    )  # fmt: skip
    def test_what_cannot_be_meant_is_refused_where_it_is_declared(
        self, body: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
            type("Wrong", (Job,), {"name": "Wrong"} | body)

    def test_a_class_of_a_script_is_named_as_others_import_it(self, tmp_path: Path) -> None:
        script = tmp_path / "shop.py"
        script.write_text("import buoy\nclass A(buoy.Job): pass\nprint(A.name)\n")
        package = tmp_path / "store"
        package.mkdir()
        (package / "__init__.py").touch()
        for module in ("jobs", "__main__"):
            (package / f"{module}.py").write_text(script.read_text())

        def names(*words: str) -> str:
            command = [sys.executable, *words]
            return subprocess.check_output(command, cwd=tmp_path, text=True).strip()

        assert names("shop.py") == "shop.A"
        assert names("-m", "shop") == "shop.A"
        assert names("-m", "store.jobs") == "store.jobs.A"
        assert names("-m", "store") == "store.__main__.A"


class TestEnqueue:
    def test_the_handle_tells_where_the_job_is(self, buoy_app: App) -> None:
        handle = Charge.enqueue(42)

        assert handle == Handle(handle.id, handle.identifier, "purchasing", "queued")
        view = only(buoy_app)
        assert (view.id, view.name, view.args, view.kwargs) == (handle.id, Charge.name, [42], {})
        assert view.identifier == handle.identifier

    def test_each_spelling_of_a_call_has_the_same_identifier(self, buoy_app: App) -> None:
        handles = [
            Charge.enqueue(42, "x"),
            Charge.enqueue(42, note="x"),
            Charge.enqueue(note="x", purchase_id=42),
            Charge.using(queue="mail").enqueue(42, "x"),
            buoy.enqueue(Charge, 42, note="x"),
            *Charge.enqueue_many([(42, "x")]),
            buoy_app.push(Charge.name, [42, "x"], queue="mail"),
        ]

        assert len({handle.identifier for handle in handles}) == 1
        assert len({handle.id for handle in handles}) == 7

    def test_a_class_may_make_its_own_identifier(self, buoy_app: App) -> None:
        assert ByCart.enqueue(7, 1).identifier == ByCart.enqueue(tries=2, cart=7).identifier
        assert ByCart.enqueue(7, 1).identifier == "cart-7"
        assert only_identifiers(buoy_app) == {"cart-7"}

    @pytest.mark.parametrize("identifier", [None, "", 7, "\ud800"])
    def test_an_identifier_is_a_text(self, buoy_app: App, identifier: Any) -> None:
        class Odd(ByCart):
            name = "odd"

            @classmethod
            def identify(cls, *_: Any) -> Any:
                return identifier

        message = f"odd.identify: expected a non-empty text, got {identifier!r}"
        with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
            Odd.enqueue(7, 1)

    def test_what_perform_cannot_take_is_not_stored(self, buoy_app: App) -> None:
        untyped: Any = Charge
        with pytest.raises(InvalidArguments):
            untyped.enqueue()
        with pytest.raises(InvalidArguments):
            untyped.enqueue((1, 2))
        with pytest.raises(InvalidArguments):
            untyped.enqueue_many([(1,), ()])

        assert buoy_app.monitor.queue_names() == []

    def test_a_class_without_perform_cannot_be_enqueued(self, buoy_app: App) -> None:
        class Family(Job):
            pass

        untyped: Any = Family
        message = f"{Family.__qualname__}: expected a job class with perform, got none"
        with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
            untyped.enqueue()

    def test_a_payload_that_is_too_long_is_refused(self, buoy_app: App) -> None:
        app = App(buoy_app.settings.url, max_payload=200)

        class Long(Job):
            name = "long"

            def perform(self, text: str) -> None: ...

        Long.app = app
        with pytest.raises(PayloadTooLarge) as raised:
            Long.enqueue("é" * 100)

        assert re.match(
            r"long: expected a payload of at most 200 bytes, got \d+; store the data elsewhere "
            r"and pass its key, or raise BUOY_MAX_PAYLOAD$",
            str(raised.value),
        )
        with pytest.raises(PayloadTooLarge, match=r"^long: expected a payload of at most 200 byt"):
            app.push("long", ["x" * 200], queue="mail")

    def test_a_queue_that_is_full_refuses(self, buoy_app: App) -> None:
        class Few(Charge):
            max_length = 2

        Few.enqueue_many([(1,)])

        with pytest.raises(QueueFull) as raised:
            Few.enqueue_many([(2,), (3,), (4,)])

        assert str(raised.value) == (
            "queue 'purchasing' is full: expected fewer than 2 queued and delayed jobs, got 2; "
            "1 of 3 jobs were enqueued; start a worker for it, or raise max_length"
        )
        assert (raised.value.queue, raised.value.length, raised.value.limit) == ("purchasing", 2, 2)
        assert len(buoy_app.monitor.peek("purchasing")) == 2


class TestMany:
    def test_rows_are_enqueued_in_their_order(self, buoy_app: App) -> None:
        handles = Charge.enqueue_many((number, "x") for number in range(3))

        views = buoy_app.monitor.peek("purchasing")
        assert [view.id for view in views] == [handle.id for handle in handles]
        assert [view.args for view in views] == [[0, "x"], [1, "x"], [2, "x"]]

    def test_no_rows_are_no_jobs(self, buoy_app: App) -> None:
        assert Charge.enqueue_many([]) == []
        assert buoy_app.monitor.queue_names() == []

    def test_a_row_names_its_arguments_in_a_dict(self, buoy_app: App) -> None:
        Charge.enqueue_many([{"purchase_id": 1, "note": "x"}, (2,), {"purchase_id": 3}])

        assert [view.args for view in buoy_app.monitor.peek("purchasing")] == [[1, "x"], [2], [3]]

    @pytest.mark.parametrize("row", ["ab", 7, {1}])
    def test_a_row_is_a_tuple_or_a_dict(self, buoy_app: App, row: Any) -> None:
        message = (
            f"{Charge.name}: row 2: expected a tuple of positional arguments, or a dict of named "
            f"ones, got {row!r}"
        )

        with pytest.raises(InvalidArguments, match=f"^{re.escape(message)}$"):
            Charge.enqueue_many([(1,), row])

    def test_options_apply_to_all_rows_of_enqueue_many(self, buoy_app: App) -> None:
        Charge.using(queue="mail", delay=5).enqueue_many([(1,), (2,)])

        assert [view.args for view in buoy_app.monitor.delayed("mail")] == [[1], [2]]

    def test_rows_of_enqueue_many_cannot_share_an_id(self) -> None:
        message = re.escape("using(id): expected no id with enqueue_many, got 'a'")

        with pytest.raises(ConfigurationError, match=f"^{message}$"):
            Charge.using(id="a").enqueue_many([(1,)])


class TestUsing:
    def test_using_chooses_another_queue(self, buoy_app: App) -> None:
        assert Charge.using(queue="mail").enqueue(42).queue == "mail"

        assert only(buoy_app, "mail").args == [42]

    def test_an_own_id_is_enqueued_once(self, buoy_app: App) -> None:
        first = Charge.using(id="order-7").enqueue(42)
        again = Charge.using(id="order-7").enqueue(43)

        assert (first.state, first.id) == ("queued", "order-7")
        assert (again.state, again.reason, again.holder) == (
            "exists",
            "this id is known",
            "order-7",
        )
        assert only(buoy_app).args == [42]

    @pytest.mark.parametrize("delay", [None, 5])
    def test_an_id_that_was_dequeued_can_be_used_again_at_once(
        self, buoy_app: App, delay: float | None
    ) -> None:
        Charge.using(id="order-7").enqueue(42)
        buoy_app.dequeue("order-7")

        again = Charge.using(id="order-7", delay=delay).enqueue(43)

        assert again.state == ("delayed" if delay else "queued")
        assert only(buoy_app).args == [43]

    @pytest.mark.parametrize("delay", [None, 5])
    def test_the_id_of_a_job_that_has_ended_is_not_said_to_be_there(
        self, buoy_app: App, delay: float | None
    ) -> None:
        Charge.using(id="order-7").enqueue(42)
        drain(buoy_app, "purchasing")

        again = Charge.using(id="order-7", delay=delay).enqueue(43)

        assert (again.state, again.holder) == ("exists", None)
        assert again.reason == "it has ended; its id can be used again two minutes after that"
        assert again.code == "ended"

    @pytest.mark.parametrize("delay", [600, 600.0, timedelta(seconds=600)])
    def test_using_sets_a_delay(self, buoy_app: App, delay: Any) -> None:
        assert Charge.using(delay=delay).enqueue(42).state == "delayed"

        view = only(buoy_app)
        assert view.state == "delayed"
        assert view.at - view.enqueued_at == pytest.approx(600, abs=60)

    def test_using_sets_a_time(self, buoy_app: App) -> None:
        soon = datetime.now(timezone(timedelta(hours=5))) + timedelta(hours=1)

        Charge.using(at=soon).enqueue(1)
        Charge.using(at=soon.timestamp()).enqueue(2)

        views = buoy_app.monitor.delayed("purchasing")
        assert [view.at for view in views] == [pytest.approx(soon.timestamp(), abs=0.001)] * 2

    def test_a_time_that_has_passed_is_now(self, buoy_app: App) -> None:
        assert Charge.using(at=datetime(2001, 1, 1, tzinfo=UTC)).enqueue(1).state == "queued"
        assert Charge.using(delay=0).enqueue(1).state == "queued"

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"delay": 1, "at": 2}, InvalidArguments,
             "using: expected delay or at, got both (1, 2)"),
            ({"delay": -1}, ConfigurationError,
             "using(delay): expected 0 or more seconds, less than 10 ** 10, got -1"),
            ({"delay": float("nan")}, ConfigurationError,
             "using(delay): expected 0 or more seconds, less than 10 ** 10, got nan"),
            ({"at": -1}, ConfigurationError,
             "using(at): expected a datetime with its zone, or "
             "epoch seconds before the year 2286, got -1"),
            ({"at": float("inf")}, ConfigurationError,
             "using(at): expected a datetime with its zone, or "
             "epoch seconds before the year 2286, got inf"),
            ({"at": datetime(2030, 1, 1)}, InvalidArguments,  # noqa: DTZ001
             "using: expected at with a time zone, got datetime.datetime(2030, 1, 1, 0, 0); "
             "say at.astimezone()"),
            ({"id": ""}, ConfigurationError,
             "using(id): expected a non-empty text of one line, got ''"),
            ({"id": "a\nb"}, ConfigurationError,
             "using(id): expected a non-empty text of one line, got 'a\\nb'"),
            ({"id": 7}, ConfigurationError,
             "using(id): expected a non-empty text of one line, got 7"),
            ({"id": "\ud800"}, ConfigurationError,
             "using(id): expected a non-empty text of one line, got '\\ud800'"),
            ({"queue": "a b"}, ConfigurationError,
             "queue: expected a name without spaces and without any of {}*?[]!,: got 'a b'"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_meant_is_refused(
        self, options: dict[str, Any], error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            Charge.using(**options)


class TestFunction:
    def test_a_function_is_a_job_class(self, buoy_app: App) -> None:
        handle = send.enqueue("ann@example.com", subject="hi")

        assert handle.queue == "mail"
        assert only(buoy_app, "mail").args == ["ann@example.com", "hi"]
        assert drain(buoy_app) == {"done": 1}
        assert ran == [("ann@example.com", "hi")]

    def test_without_options_it_needs_no_brackets(self) -> None:
        @job
        def sweep(room: str) -> str:
            return f"{room} is clean"

        assert sweep.queue == "default"
        assert sweep("hall") == "hall is clean"

    def test_calling_it_calls_the_function(self) -> None:
        assert send("ann@example.com") == "hello to ann@example.com"

    def test_a_decorated_function_keeps_its_name_and_docstring(self) -> None:
        assert (send.__name__, send.__module__, send.__doc__) == ("send", __name__, "Send a mail.")
        assert send.name == "send"
        assert issubclass(send, Job)

    def test_arguments_of_a_function_are_checked(self, buoy_app: App) -> None:
        untyped: Any = send
        message = (
            "send: expected arguments for perform(address: str, subject: str = 'hello') -> str, "
            "but missing a required argument: 'address'"
        )
        with pytest.raises(InvalidArguments, match=f"^{re.escape(message)}$"):
            untyped.enqueue()

    def test_options_of_a_function_are_those_of_a_class(self) -> None:
        with pytest.raises(ConfigurationError, match=r"\.late\.timeout: expected a number"):

            @job(timeout=-1)
            def late() -> None: ...


class TestRun:
    def test_a_run_knows_what_it_is(self, buoy_app: App) -> None:
        handle = Charge.enqueue(42)

        drain(buoy_app)

        [(run, *arguments)] = ran
        assert arguments == [42, ""]
        assert (run.id, run.identifier) == (handle.id, handle.identifier)
        assert (run.queue, run.attempt) == ("purchasing", 1)
        assert re.fullmatch(r"1@\d+:drain:1", run.token)
        assert run.plugin_data == {}
        assert repr(run) == f"<{Charge.name} {handle.id} attempt 1>"


def only_identifiers(app: App) -> set[Any]:
    return {view.identifier for view in app.monitor.peek("default")}
