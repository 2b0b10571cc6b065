"""What a job class may say: refused where it is made, or harmless for all that follows."""

import abc
import asyncio
import contextlib
import dataclasses
import enum
import functools
import json
import re
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import pytest

from buoy import App, ConfigurationError, Job, Plugin, PluginError, hookimpl, job
from buoy.jobs.building import build_job
from buoy.jobs.facts import API
from buoy.jobs.run import run
from buoy.loading.served_app import WantedApp, select_app
from buoy.model.options import Options
from buoy.model.payload import Payload
from buoy.model.reservation import Reservation, Settlement

RAN: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    RAN.clear()


def a_class(name: str = "Nasty", base: type = Job, /, **body: Any) -> Any:
    return type(name, (base,), {"perform": performs} | body)


def performs(self: Job) -> None:
    RAN.append("performed")


def settled(job: Any, *args: Any) -> Settlement:
    """What becomes of a job of the class, as an older producer may have enqueued it."""
    payload = Payload(job.name, list(args), {}, "a1").encoded()
    return run(Reservation("a1", "1:w:1", "mail", payload, worker="w"))


def failure(settlement: Settlement) -> tuple[str, str]:
    assert settlement.outcome == "failed"
    record = json.loads(settlement.payload)["failure"]
    return record["error"], record["message"]


def refused(message: str, error: type[Exception] = ConfigurationError) -> Any:
    return pytest.raises(error, match=f"^{re.escape(message)}$")


OURS = "expected a name that buoy does not use itself, got this one; choose another"
ALLOWED = {"tags", "redact", "app", "name", "queue", "plugins", "identify"}
ALLOWED |= {"timeout", "max_memory", "expires", "max_length", "check_types", "priority"}
ALLOWED |= {"progress", "aprogress", "cancelled", "acancelled"}


class TestNames:
    @pytest.mark.parametrize("name", sorted(API - ALLOWED))
    @pytest.mark.parametrize(
        "value",
        ["car", property(lambda self: 1), type, lambda self: 1],
        ids=["text", "property", "class", "method"],
    )
    def test_an_attribute_with_a_name_of_buoy_is_refused(self, name: str, value: Any) -> None:
        with refused(f"Nasty.{name}: {OURS}"):
            a_class(**{name: value})

    def test_reserved_names_are_the_attributes_of_job(self) -> None:
        assert {"token", "id", "using", "enqueue", "_hooks", "transition", "is_inline"} <= API
        assert {"payload", "_signature", "_declared", "attempt", "plugin_data", "due"} <= API

    def test_names_of_options_are_no_reserved_names(self) -> None:
        class Free(Job):
            name, queue, plugins, timeout = "free", "mail", (), 5
            max_memory = max_length = expires = None

            def perform(self) -> None: ...

            @classmethod
            def identify(cls) -> str:
                return "same"

        assert Free.name == "free"

    def test_a_mixin_before_job_may_not_have_reserved_names(self) -> None:
        class Rental:
            token = "car"

        of = f", of its base {Rental.__qualname__}"
        with refused(f"Nasty.token{of}: {OURS}"):
            type("Nasty", (Rental, Job), {})

        fine: Any = type("Fine", (Job, Rental), {})
        assert not isinstance(fine.token, str)

    def test_an_annotation_alone_is_no_value(self) -> None:
        class Annotated(Job):
            claim: str

            def perform(self) -> None: ...

        assert settled(Annotated).outcome == "done"

    @pytest.mark.parametrize(
        "name",
        ["before_enqueue", "around_perform", "on_failure", "before_perform", "after_perform",
         "on_failure_retry", "before_perform_log", "after_enqueue", "before_schedule_x"],
    )  # fmt: skip
    @pytest.mark.parametrize("kind", [classmethod, staticmethod, lambda method: method])
    def test_a_hook_on_the_class_would_never_be_called(self, name: str, kind: Any) -> None:
        with refused(
            f"Nasty.{name}: expected hooks on a plugin, got one on a job class, where nobody "
            "calls it; move it to a plugin and list that: plugins = [...], see docs/hooks.md"
        ):
            a_class(**{name: kind(lambda *args: None)})

    def test_a_marked_hook_on_a_job_class_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match=r"^Nasty\.watch: expected hooks on a plugin"):
            a_class(watch=hookimpl(specname="on_failure")(lambda self, job: None))

    def test_a_worker_hook_on_a_job_class_is_refused(self) -> None:
        with refused(
            "Nasty.after_fork: expected a function of the module that -a names, got a method of a "
            "job class, where nobody calls it; see docs/hooks.md"
        ):
            a_class(after_fork=lambda self: None)

    @pytest.mark.parametrize("name", ["retry_limit", "retry_delay", "backoff_strategy"])
    def test_options_of_retry_belong_to_it(self, name: str) -> None:
        with refused(
            f"Nasty.{name}: expected an option of Retry, got one of a job class, where nobody "
            "reads it; say plugins = [Retry(...)], of buoy-retry"
        ):
            a_class(**{name: 5})

    def test_options_of_loner_and_of_others_belong_to_them(self) -> None:
        with pytest.raises(ConfigurationError, match=r"^Nasty\.lonely: expected an option of Lon"):
            a_class(lonely=True)
        with pytest.raises(ConfigurationError, match=r"^Nasty\.throttle: expected an option of a "):
            a_class(throttle=5)

    @pytest.mark.parametrize(
        "name",
        ["before", "on_failures", "before_performing", "retry", "retries", "lock", "limit", "log"],
    )
    def test_other_attribute_names_are_free(self, name: str) -> None:
        assert settled(a_class(**{name: lambda self: None})).outcome == "done"
        assert settled(a_class(**{name: 5})).outcome == "done"

    def test_a_value_is_not_asked_what_it_is(self) -> None:
        class Lazy:
            def __getattr__(self, name: str) -> Any:
                raise RuntimeError(f"{name}: there is no request")

            @property  # type: ignore[misc]
            def __class__(self) -> Any:
                raise RuntimeError("there is no request")

        assert settled(a_class(request=Lazy(), before_perform=Lazy())).outcome == "done"

    def test_a_plugin_is_no_base(self) -> None:
        class Retry(Plugin):
            pass

        with refused(
            f"Nasty: expected plugins in a list, got {Retry.__qualname__} as a base; say plugins = "
            f"[{Retry.__qualname__}()]",
            PluginError,
        ):
            type("Nasty", (Job, Retry), {})

    @pytest.mark.parametrize("plugins", [5, None])
    def test_plugins_are_a_list(self, plugins: Any) -> None:
        with refused(f"Nasty.plugins: expected a list, got {plugins}", PluginError):
            a_class(plugins=plugins)

    def test_plugins_given_as_an_iterator_are_kept(self) -> None:
        class Loud(Plugin):
            pass

        base = a_class(plugins=(each() for each in [Loud]))
        lower: Any = type("Lower", (base,), {})

        assert [type(each) for each in lower._declared] == [Loud]

    def test_identify_is_called_on_the_class(self) -> None:
        def identify(self: Any) -> str:
            return "x"

        with refused(f"{__name__}.Nasty.identify: expected a @classmethod, got {identify!r}"):
            a_class(identify=identify)


def generates(self: Any = None) -> Iterator[int]:
    RAN.append("begun")
    yield 1


async def agenerates(self: Any = None) -> Any:
    RAN.append("begun")
    yield 1


class Generates:
    def __call__(self) -> Iterator[int]:
        yield from generates()


def wrapped(method: Any) -> Any:
    @functools.wraps(method)
    def wrapper(*args: Any) -> Any:
        return method(*args)

    return wrapper


GENERATORS = {
    "method": generates,
    "async": agenerates,
    "lambda": lambda self: (yield 1),
    "static": staticmethod(generates),
    "class": classmethod(generates),
    "partial": functools.partial(generates),
    "partialmethod": functools.partialmethod(generates),
    "object": Generates(),
    "bound": Generates().__call__,
    "wrapped": wrapped(generates),
    "wrapped twice": wrapped(wrapped(agenerates)),
    "static wrapped": staticmethod(wrapped(generates)),
    "partial wrapped": functools.partial(wrapped(generates)),
    "cached": functools.lru_cache(generates),
    "context": contextlib.contextmanager(generates),
}


ADDS_ONE: dict[str, Any] = {
    "partial": functools.partial(lambda one, two: RAN.append(one + two), 1),
    "partialmethod": functools.partialmethod(lambda self, one, two: RAN.append(one + two), 1),
    "static": staticmethod(lambda two: RAN.append(two + 1)),
    "class": classmethod(lambda cls, two: RAN.append(two + 1)),
    "method": lambda self, two: RAN.append(two + 1),
}


class TestPerform:
    @pytest.mark.parametrize("kind", GENERATORS)
    def test_a_generator_is_refused(self, kind: str) -> None:
        with refused(
            f"{__name__}.Nasty.perform: expected a method that runs to its end, got a generator, "
            "of which a call runs nothing; do its work without yield, or call it in perform: "
            "for _ in steps(): pass"
        ):
            a_class(perform=GENERATORS[kind])

    def test_a_generator_function_is_refused_by_the_decorator(self) -> None:
        for function in (generates, agenerates, wrapped(generates)):
            with pytest.raises(ConfigurationError, match="expected a method that runs to its end"):
                job(name="nasty")(function)

    def test_a_mock_wraps_no_end_of_others(self) -> None:
        mock = Mock()

        assert settled(a_class(perform=mock), 1).outcome == "done"
        mock.assert_called_once_with(1)

    @pytest.mark.parametrize("perform", [5, None, property(lambda self: 1), Generates])
    def test_perform_is_a_method(self, perform: Any) -> None:
        with refused(f"{__name__}.Nasty.perform: expected a method, got {perform!r}"):
            a_class(perform=perform)

    @pytest.mark.filterwarnings("ignore:functools.partial will be:FutureWarning")
    @pytest.mark.parametrize("kind", ADDS_ONE)
    def test_what_it_takes_is_what_callers_give(self, kind: str) -> None:
        nasty = a_class(perform=ADDS_ONE[kind])

        assert str(nasty._signature.signature) == "(two)"
        assert settled(nasty, 2).outcome == "done"
        assert RAN == [3]


class Export(Job, abc.ABC):
    name = "export"

    def perform(self) -> None:
        RAN.append(self.rows())

    @abc.abstractmethod
    def rows(self) -> int: ...

    @property
    @abc.abstractmethod
    def columns(self) -> int: ...


ABSTRACT = (
    f"{Export.__qualname__}: expected a class with all its methods, got an abstract one without "
    "rows, columns; enqueue a subclass that has them"
)


UNTYPED: Any = Export
WAYS: dict[str, Callable[[Any], Any]] = {
    "enqueue": lambda job: job.enqueue(),
    "many": lambda job: job.enqueue_many([()]),
    "using": lambda job: job.using(delay=5).enqueue(),
    "using many": lambda job: job.using(delay=5).enqueue_many([()]),
    "awaiting": lambda job: asyncio.run(job.aenqueue()),
    "using, awaiting": lambda job: asyncio.run(job.using(queue="mail").aenqueue()),
    "build": lambda job: job.app.build(job),
}


@pytest.mark.usefixtures("buoy_app")
class TestAbstract:
    @pytest.mark.parametrize("way", WAYS)
    def test_an_abstract_class_cannot_be_enqueued(self, buoy_app: App, way: str) -> None:
        with refused(ABSTRACT):
            WAYS[way](UNTYPED)
        with buoy_app.inline(), refused(ABSTRACT):
            WAYS[way](UNTYPED)

        assert buoy_app.monitor.queue_names() == []

    def test_a_job_of_an_abstract_class_fails(self) -> None:
        assert failure(settled(Export)) == ("buoy.errors.ConfigurationError", ABSTRACT)

    def test_a_subclass_names_what_it_lacks_itself(self) -> None:
        class Half(Export):
            def rows(self) -> int:
                return 1

        with pytest.raises(ConfigurationError, match="got an abstract one without columns; "):
            Half.enqueue()

    def test_a_subclass_with_all_methods_is_not_abstract(self) -> None:
        class Whole(Export):
            columns = 2

            def rows(self) -> int:
                return 1

        assert settled(Whole).outcome == "done"
        assert RAN == [1]

    def test_an_abstract_method_that_is_set_later_counts(self) -> None:
        class Lazy(Job, abc.ABC):
            def perform(self) -> None:
                RAN.append(self.rows())

            @abc.abstractmethod
            def rows(self) -> int: ...

        Late: Any = Lazy  # noqa: N806
        assert settled(Late).outcome == "failed"
        Late.rows = lambda self: 1
        abc.update_abstractmethods(Late)

        assert settled(Late).outcome == "done"

    def test_abstract_methods_work_without_abc(self) -> None:
        class Base(Job):
            @abc.abstractmethod
            def perform(self) -> None: ...

        with pytest.raises(ConfigurationError, match="got an abstract one without perform; "):
            Base.enqueue()


@pytest.mark.usefixtures("buoy_app")
class TestOddClasses:
    """They are jobs like any other; the names that they set are theirs."""

    def test_an_init_subclass_may_take_arguments(self) -> None:
        class Base(Job):
            region = ""

            def __init_subclass__(cls, region: str, **others: Any) -> None:
                super().__init_subclass__(**others)
                cls.region = region

        class Lower(Base, region="eu"):
            def perform(self) -> None:
                RAN.append(self.region)

        assert settled(Lower).outcome == "done"
        assert RAN == ["eu"]

    def test_an_init_subclass_that_calls_no_super_is_named(self) -> None:
        class Base(Job):
            def perform(self) -> None: ...

            def __init_subclass__(cls) -> None:
                pass

        class Lower(Base):
            pass

        with refused(
            f"{Lower.__qualname__}: expected __init_subclass__ to pass on its arguments, got one "
            "that does not; let it call super().__init_subclass__(**kwargs)"
        ):
            Lower.enqueue()

    def test_generic_job_classes_work(self) -> None:
        kind = typing.TypeVar("kind")

        class Base(Job, typing.Generic[kind]):
            def perform(self) -> None: ...

        class Lower(Base[int]):
            pass

        assert settled(Lower).outcome == "done"
        untyped: Any = Base[int]
        with refused(f"{Base.__name__}: expected a job class, got {untyped!r}"):
            build_job(untyped, ((), {}), Options())

    @pytest.mark.parametrize("options", [{}, {"frozen": True}, {"eq": True, "order": True}])
    def test_dataclasses(self, options: dict[str, Any]) -> None:
        @dataclasses.dataclass(**options)
        class Data(Job):
            rows: int = 5

            def perform(self) -> None:
                RAN.append(self.rows)

        assert settled(Data).outcome == "done"
        assert RAN == [5]

    def test_job_classes_with_slots_work(self) -> None:
        class Slotted(Job):
            __slots__ = ("rows",)

            def perform(self) -> None:
                self.rows = 5
                self.others = 6

        assert settled(Slotted).outcome == "done"

    def test_enums(self) -> None:
        class Color(Job, enum.Enum):
            RED = 1

            def perform(self) -> None: ...

        assert settled(Color).outcome == "done"

    @pytest.mark.parametrize("base", [str, dict, Exception, int])
    def test_a_value_is_no_job(self, base: type) -> None:
        with pytest.raises(TypeError, match="multiple bases have instance lay-out conflict"):
            types.new_class("Nasty", (Job, base))

    def test_a_metaclass_may_do_what_it_likes(self) -> None:
        class Rude(type):
            def no(cls, *args: Any) -> Any:
                raise RuntimeError("no")

            __eq__ = __hash__ = __bool__ = __len__ = __repr__ = __str__ = no

        class Nasty(Job, metaclass=Rude):
            def perform(self) -> None:
                raise ValueError("the real error")

        assert failure(settled(Nasty)) == ("ValueError", "the real error")


class TestApp:
    @pytest.mark.parametrize("app", [None, "redis://h", App, object(), Mock, property(str)])
    def test_an_app_of_somebody_else_is_refused_where_the_class_is_made(self, app: Any) -> None:
        with refused(f"Nasty.app: expected an App of buoy, got {app!r}"):
            a_class(app=app)

    def test_a_foreign_app_that_is_set_later_is_refused_when_it_is_used(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        late = a_class("Late")
        monkeypatch.setattr(Job, "app", "redis://h")

        for use in (late.enqueue, late.using(delay=1).enqueue, lambda: select_app(WantedApp())):
            with pytest.raises(ConfigurationError, match="expected an App of buoy, got 're"):
                use()
        with refused("Late.app: expected an App of buoy, got 'redis://h'"):
            asyncio.run(late.aenqueue())

    def test_the_base_of_all_jobs_is_no_job(self) -> None:
        with refused(f"Job: expected a class of its own with perform, got {Job!r}"):
            Job.enqueue()  # type: ignore[misc]
