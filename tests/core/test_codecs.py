"""Arguments by annotation: what is given, what is stored, and what ``perform`` gets."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, IntFlag, StrEnum
from pathlib import Path
from types import GenericAlias
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    TypedDict,
)
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buoy import App, Codec, ConfigurationError, InvalidArguments, Job, Plugin, hookimpl, job
from buoy.jobs.arguments import codecs_of, declared_arguments, stored_arguments
from buoy.jobs.codecs.find import Finder
from buoy.testing import drain

if TYPE_CHECKING:
    from shop_customers import Customer  # type: ignore[import-not-found]  # no worker has it

pytestmark = pytest.mark.usefixtures("buoy_registry")


class Kind(StrEnum):
    A = "a"
    B = "b"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Rights(IntFlag):
    READ = 1
    WRITE = 2


class Shape(Enum):
    ROUND = (0, 360)
    SQUARE = None


@dataclass
class Item:
    name: str
    price: Decimal
    parts: "list[Item]" = field(default_factory=list)
    known: int = field(default=0, init=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    x: float
    at: datetime | None = None


@attrs.define
class Badge:
    _number: int
    day: date = date(2026, 1, 1)


class Span(NamedTuple):
    first: date
    last: date | None = None


class Row(TypedDict):
    id: UUID
    note: NotRequired[str]


class PlainRow(TypedDict):
    id: int
    note: NotRequired[str]


Cents = NewType("Cents", int)
Day = NewType("Day", date)
ID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
DAY, NOON = date(2026, 11, 30), datetime(2026, 11, 30, 12, tzinfo=UTC)
BERLIN = timezone(timedelta(hours=1, minutes=30, seconds=7))


def taking(annotation: Any, **options: Any) -> Any:
    """A job class whose ``perform`` takes one value of this type."""

    def perform(self: Any, value: Any) -> None: ...

    perform.__annotations__["value"] = annotation
    return type("Taking", (Job,), {"perform": perform, "name": "codecs.Taking", **options})


def stored(annotation: Any, value: Any, **options: Any) -> Any:
    """What is stored of a value that is an argument of this type."""
    [args], kwargs = stored_arguments(made := taking(annotation, **options), made.name, [value], {})
    assert kwargs == {}
    return args


def declared(annotation: Any, value: Any) -> Any:
    made = taking(annotation)
    return declared_arguments(made, made.name, [value], {})[0][0]


def refusal(annotation: Any, value: Any, **options: Any) -> str:
    with pytest.raises(InvalidArguments) as raised:
        stored(annotation, value, **options)
    return str(raised.value).removeprefix("codecs.Taking: argument 1 (value)")


@pytest.mark.parametrize(
    ("annotation", "value", "form"),
    [
        (date, DAY, "2026-11-30"),
        (datetime, NOON, "2026-11-30T12:00:00+00:00"),
        (datetime, datetime(2026, 1, 2, 3, 4, 5, 6), "2026-01-02T03:04:05.000006"),  # noqa: DTZ001
        (datetime, NOON.astimezone(BERLIN), "2026-11-30T13:30:07+01:30:07"),
        (time, time(12, 30), "12:30:00"),
        (time, time(12, 30, tzinfo=BERLIN), "12:30:00+01:30:07"),
        (time, time(12, 30, tzinfo=UTC), "12:30:00+00:00"),
        (timedelta, timedelta(hours=1, minutes=30), "PT1H30M"),
        (timedelta, timedelta(0), "PT0S"),
        (timedelta, timedelta(days=-1, microseconds=5), "-PT23H59M59.999995S"),
        (timedelta, timedelta.max, "P999999999DT23H59M59.999999S"),
        (timedelta, timedelta.min, "-P999999999D"),
        (UUID, ID, str(ID)),
        (Decimal, Decimal("1.50"), "1.50"),
        (Decimal, Decimal("1E+400"), "1E+400"),
        (bytes, b"\xff\x00", "/wA="),
        (Path, Path("/tmp/ä"), "/tmp/ä"),
        (Kind, Kind.A, "a"),
        (Level, Level.HIGH, 2),
        (Rights, Rights.READ | Rights.WRITE, 3),
        (Shape, Shape.ROUND, "ROUND"),
        (Shape, Shape.SQUARE, "SQUARE"),
        (Literal[Kind.A], Kind.A, "a"),
        (Day, DAY, "2026-11-30"),
        (Annotated[date, "of birth"], DAY, "2026-11-30"),
        (date | None, None, None),
        (date | None, DAY, "2026-11-30"),
        (int | Decimal, 5, 5),
        (int | Decimal, Decimal(5), "5"),
        (list[date] | date, [DAY], ["2026-11-30"]),
        (list[date], [DAY, DAY], ["2026-11-30", "2026-11-30"]),
        (Sequence[date], [DAY], ["2026-11-30"]),
        (tuple[date, int], (DAY, 1), ["2026-11-30", 1]),
        (tuple[Decimal, ...], (Decimal(1), Decimal(2)), ["1", "2"]),
        (tuple, (1, "x"), [1, "x"]),
        (set[int], {3, 1, 2}, [1, 2, 3]),
        (frozenset[Kind], frozenset(Kind), ["a", "b"]),
        (dict[str, Decimal], {"x": Decimal(1)}, {"x": "1"}),
        (Mapping[date, int], {DAY: 1}, {"2026-11-30": 1}),
        (dict[int, str], {1: "x"}, {"1": "x"}),
        (Item, Item("x", Decimal(1), [Item("y", Decimal(2))]), None),
        (Point, Point(x=1, at=NOON), {"x": 1, "at": "2026-11-30T12:00:00+00:00"}),
        (Badge, Badge(7), {"_number": 7, "day": "2026-01-01"}),
        (Span, Span(DAY), {"first": "2026-11-30", "last": None}),
        (Row, {"id": ID}, {"id": str(ID)}),
        (list[Row], [{"id": ID, "note": "x"}], [{"id": str(ID), "note": "x"}]),
    ],
)
def test_a_value_is_stored_as_json_and_comes_back(annotation: Any, value: Any, form: Any) -> None:
    found = stored(annotation, value)

    assert form is None or found == form
    back = declared(annotation, json.loads(json.dumps(found)))
    assert (back, type(back)) == (value, type(value))
    assert stored(annotation, found) == found  # the form in JSON is taken, too


STARRED = (
    "*tuple[datetime.date, ...]"
    if sys.version_info < (3, 12)
    else "Unpack[tuple[datetime.date, ...]]"
)


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (date, 3, ": expected date, got int"),
        (date, NOON, ": expected date, got datetime.datetime"),
        (date, "soon", ": expected date, such as '2026-11-30', got another text"),
        (Decimal, 1.5, ": expected Decimal, got float"),
        (Decimal, True, ": expected Decimal, got bool"),
        (time, time(12, tzinfo=ZoneInfo("Europe/Berlin")), ": expected time with a fixed offset, "
         "or a datetime, got one whose zone has no offset without a date"),
        (timedelta, "PT", ": expected timedelta, such as 'PT1H30M', got another text"),
        (timedelta, 90, ": expected timedelta, got int"),
        (bytes, "?", ": expected bytes, such as 'aGVsbG8=', got another text"),
        (Kind, "c", ": expected Kind, got another str"),
        (Kind, Level.LOW, f": expected Kind, got {__name__}.Level"),
        (list[date], DAY, ": expected list[date], got datetime.date"),
        (list[date], [DAY, None], "[1]: expected date, got NoneType"),
        (set[date], (DAY,), ": expected set[date], got tuple"),
        (set[dict[str, int]], [{}], ": expected set[dict[str, int]], got list "
         "(TypeError: unhashable type: 'dict')"),
        (tuple[date, int], (DAY,), ": expected 2 items for tuple[date, int], got 1"),
        (tuple[int, *tuple[date, ...]], (1, DAY), ": expected JSON, got tuple; there is "
         f"no codec for tuple[int, {STARRED}]; pass what JSON holds, such as an id, or add a codec "
         "(docs/arguments.md)"),
        (dict[str, date], {"a b": 3}, '["a b"]: expected date, got int'),
        (dict[date, int], {"x": 3}, " keys: expected date, such as '2026-11-30', got another text"),
        (dict[int, int], {1: 1, "1": 2}, ": expected keys that differ in JSON, got two that are "
         "equal there"),
        (Item, Item(3, Decimal(1)), ".name: expected str, got int"),  # type: ignore[arg-type]
        (Item, Item("x", Decimal(1), [None]), ".parts[0]: expected Item, got NoneType"),  # type: ignore[list-item]
        (Item, {"name": "x"}, ": expected Item with its fields, got one without 'price'"),
        (Span, Row(id=ID), ": expected Span with its fields, got one without 'first'"),
        (Span, (DAY, None), ": expected Span, got tuple"),
        (Row, {"id": ID, "x": 1}, ": expected Row with its fields, got one with 'x'"),
        (date | None, 3, ": expected date | None, got int"),
        (date | None, Kind.A, ": expected date | None, got " + Kind.__module__ + ".Kind"),
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_place(
    annotation: Any, value: Any, message: str
) -> None:
    assert refusal(annotation, value) == message


class SpecialItem(Item):
    """A subclass without fields of its own; it might have some."""


def test_a_subclass_of_a_dataclass_would_lose_its_own_fields() -> None:
    wanted = f": expected Item, got {__name__}.SpecialItem"
    assert refusal(Item, SpecialItem("x", Decimal(1))) == wanted


class Stamp(datetime):
    """A datetime as other libraries have them."""


def test_an_object_of_a_subclass_passes_if_it_comes_back_equal() -> None:
    class Cheating(Decimal):
        def __eq__(self, other: object) -> bool:
            return False

        __hash__ = Decimal.__hash__

    assert stored(datetime, Stamp.fromisoformat(NOON.isoformat())) == NOON.isoformat()
    assert refusal(Decimal, Cheating(1)).startswith(": expected Decimal, got ")


def test_a_time_that_clocks_show_twice_passes_as_an_object_of_a_subclass() -> None:
    class Fine(Stamp):
        def isoformat(self, *args: Any, **more: Any) -> str:
            return f"{super().isoformat(*args, **more)}.000000001"

    twice = "2026-10-25T02:30:00"
    stamp = Stamp.fromisoformat(twice).replace(tzinfo=ZoneInfo("Europe/Berlin"), fold=1)
    assert stored(datetime, stamp) == f"{twice}+01:00"
    lost = Fine.fromisoformat(twice).replace(tzinfo=ZoneInfo("Europe/Berlin"), fold=1)
    assert refusal(datetime, lost).startswith(": expected datetime, got ")


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __eq__ = __repr__  # type: ignore[assignment]
    __hash__ = object.__hash__


@dataclass
class Strict:
    number: int

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError("too small")


@dataclass
class Net:
    """Its objects do not come back as they were: tax is taken off twice."""

    price: Decimal
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.price /= 2


@dataclass(eq=False)
class Clean:
    """Its objects come back as they were, though they are unequal then."""

    name: str
    at: datetime | None = None
    next: "Clean | None" = None
    length: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.name = self.name.strip()
        self.length = len(self.name)


def test_an_object_that_would_change_itself_when_it_is_made_again_is_refused() -> None:
    changed = (
        "expected Net that comes back from JSON as it is, got one that a __post_init__ changes "
        "when it is made again"
    )

    assert refusal(Net, Net(Decimal(8))) == f": {changed}"
    assert refusal(Net, {"price": "8"}) == f": {changed}"
    assert "[Net] that comes back" in refusal(list[Net], [Net(Decimal(8))])
    assert stored(Net, Net(Decimal(0)))["price"] == "0"


def test_an_object_that_is_made_again_as_it_was_is_taken() -> None:
    twice = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    form = {"name": "x", "at": "2026-10-25T02:30:00+02:00", "next": None}
    assert stored(Clean, Clean(" x ", twice)) == form
    assert stored(Strict, Strict(3)) == {"number": 3}
    long = None
    for number in range(20):
        long = Clean(f"{number}", next=long)
    assert stored(Clean, long)["name"] == "19"


def test_code_of_users_that_raises_is_told() -> None:
    assert refusal(date, Hostile()) == f": expected date, got {__name__}.Hostile"
    assert refusal(Strict, {"number": -1}) == (
        ": expected Strict, got dict (ValueError: too small)"
    )


def test_an_object_that_contains_itself_is_refused() -> None:
    item = Item("x", Decimal(1))
    item.parts.append(item)

    assert refusal(Item, item).endswith("got one that contains itself, or is too deep")


def test_text_that_utf8_cannot_hold_is_refused_within_objects_too() -> None:
    with pytest.raises(InvalidArguments, match="text that UTF-8 can hold"):
        stored(Item, Item("\ud800", Decimal(1)))


@pytest.mark.parametrize(
    ("annotation", "shared"),
    [
        (UUID | date, "UUID and date, which may both be text"),
        (Kind | str, "Kind and str, which may both be text"),
        (Item | Point | None, "Item and Point, which may both be an object"),
        (list[date] | list[int], r"list\[date\] and list\[int\], which may both be a list"),
        (date | Any, "date and any JSON, which may both be text"),
        (dict[str, date] | Item, r"dict\[str, date\] and Item, which may both be an object"),
    ],
    ids=str,
)
def test_types_that_json_cannot_tell_apart_are_refused(annotation: Any, shared: str) -> None:
    with pytest.raises(ConfigurationError, match=shared):
        stored(annotation, None)


@pytest.mark.parametrize("annotation", [int | date, float | date, int | Decimal | None], ids=str)
def test_a_bool_is_no_number_of_a_union(annotation: Any) -> None:
    assert refusal(annotation, True).endswith(", got bool")


def test_a_bool_is_one_where_the_union_has_it() -> None:
    assert stored(int | bool | date, True) is True
    assert declared(int | bool | date, True) is True


@pytest.mark.parametrize(
    ("annotation", "value", "form"),
    [
        (Sequence[date] | None, (DAY,), ["2026-11-30"]),
        (Decimal | None, 3, "3"),
        (set[date] | None, frozenset({DAY}), ["2026-11-30"]),
        (None | list[Decimal | None], (3, None), ["3", None]),
    ],
    ids=str,
)
def test_an_optional_type_takes_what_the_type_takes(annotation: Any, value: Any, form: Any) -> None:
    assert stored(annotation, value) == form
    assert stored(annotation, form) == form


def test_an_optional_number_is_checked_like_a_number() -> None:
    for annotation in (int, int | None):
        assert stored(annotation, True, check_types=True) is True
    codecs = codecs_of(taking(int | None, check_types=True))
    assert codecs is not None
    assert codecs.decode([True], {}) == ([True], {})


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (Decimal | None, 1.5, ": expected Decimal | None, got float"),
        (Sequence[date] | None, (DAY, 3), "[1]: expected date, got int"),
        (Sequence[date] | Decimal | None, (DAY,), ": expected list[date] | Decimal | None, got "
         "tuple"),
    ],
    ids=str,
)  # fmt: skip
def test_what_an_optional_type_does_not_take_is_refused(
    annotation: Any, value: Any, message: str
) -> None:
    assert refusal(annotation, value) == message


class TestWithoutCodec:
    def test_a_type_without_codec_says_the_way_out(self) -> None:
        assert refusal(Hostile, Hostile()) == (
            f": expected JSON, got {__name__}.Hostile; there is no codec for Hostile; pass what "
            "JSON holds, such as an id, or add a codec (docs/arguments.md)"
        )
        assert stored(Hostile, {"any": "JSON"}) == {"any": "JSON"}

    def test_without_annotation_the_message_says_what_to_declare(self) -> None:
        with pytest.raises(InvalidArguments) as raised:
            stored(Any, ID)
        assert str(raised.value) == (
            "codecs.Taking: argument 1: expected str, int, float, bool, None, list or dict, got "
            "UUID; declare its type in perform, for which buoy may have a codec "
            "(docs/arguments.md), or pass what JSON holds, such as an id"
        )

    def test_a_name_that_only_type_checkers_know_takes_json(self) -> None:
        class Greet(Job):
            name = "codecs.Greet"

            def perform(self, customer: "Customer", day: "date") -> None: ...

        assert stored_arguments(Greet, "g", [{"id": 1}, DAY], {}) == ([{"id": 1}, "2026-11-30"], {})
        with pytest.raises(InvalidArguments) as raised:
            stored_arguments(Greet, "codecs.Greet", [object(), DAY], {})
        assert str(raised.value) == (
            "codecs.Greet: argument 1 (customer): expected JSON, got object; there is no codec for "
            "'Customer', which cannot be looked up: NameError: name 'Customer' is not defined; "
            "pass what JSON holds, such as an id, or add a codec (docs/arguments.md)"
        )

    def test_a_class_that_is_not_made_of_its_fields_has_none(self) -> None:
        @dataclass
        class Odd:
            a: int
            b: InitVar[int]

        said = refusal(Odd, Odd(1, 2))
        assert "no codec for Odd, its __init__ does not take its fields: missing a requ" in said


PLAIN: list[Any] = [int, str | None, list[int], dict[str, Any], PlainRow, Cents, Literal["a", 1]]


@pytest.mark.parametrize("annotation", PLAIN, ids=str)
def test_types_that_json_has_need_no_codec(annotation: Any) -> None:
    assert codecs_of(taking(annotation)) is None


def test_a_class_of_plain_types_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any) -> Any:
        raise AssertionError("looked at")

    monkeypatch.setattr(Finder, "find", fails)

    class Charge(Job):
        name = "codecs.Charge"

        def perform(self, id: int, note: "str" = "", *rest: Any, dry: bool = False) -> None: ...

    assert codecs_of(Charge) is None
    assert Charge.using().build(1, "x", dry=True).payload.args == [1, "x"]


def test_a_wrong_call_of_a_class_with_codecs_names_the_class_once() -> None:
    class Charge(Job):
        name = "codecs.Charge"

        def perform(self, day: "date") -> None: ...

    with pytest.raises(InvalidArguments) as raised:
        Charge.using().build()  # type: ignore[call-arg]

    assert str(raised.value) == (
        "codecs.Charge: expected arguments for perform(day: 'date') -> None, but missing a "
        "required argument: 'day'"
    )


class TestCheckedTypes:
    @pytest.mark.parametrize(
        ("annotation", "value", "message"),
        [
            (str, 3, ": expected str, got int"),
            (list[int], [1, "x"], "[1]: expected int, got str"),
            (PlainRow, {"id": "x"}, ".id: expected int, got str"),
            (Literal["a", 1], "b", ": expected 'a' or 1, got another str"),
            (int | None, "x", ": expected int | None, got str"),
        ],
        ids=str,
    )
    def test_the_switch_checks_types_that_json_has(
        self, annotation: Any, value: Any, message: str
    ) -> None:
        assert refusal(annotation, value, check_types=True) == message
        assert stored(annotation, value) == value

    def test_it_is_inherited_and_whole_numbers_are_floats(self) -> None:
        class Careful(Job):
            check_types = True

        class Report(Careful):
            name = "codecs.Report"

            def perform(self, day: str, *sizes: float, **notes: str) -> None: ...

        good = stored_arguments(Report, "r", ["x", 1, 1.5], {"a": "b"})
        assert good == (["x", 1, 1.5], {"a": "b"})
        for args, kwargs, message in (
            (["x", "y"], {}, "r: argument 2: expected float, got str"),
            (["x"], {"a": 1}, 'r: argument "a": expected str, got int'),
        ):
            with pytest.raises(InvalidArguments, match=f"^{message}$"):
                stored_arguments(Report, "r", args, kwargs)

    def test_it_is_a_switch(self) -> None:
        with pytest.raises(ConfigurationError, match="expected True or False, got 1"):
            taking(int, check_types=1)


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents


class MoneyCodec:
    def encode(self, value: Any) -> Any:
        return value.cents

    def decode(self, stored: Any) -> Any:
        return Money(stored)


@dataclass(frozen=True)
class MoneyArguments(Plugin):
    @hookimpl
    def codec_for(self, annotation: Any) -> Codec | None:
        return MoneyCodec() if annotation is Money else None


class TestPlugins:
    def test_a_plugin_of_the_class_or_the_app_brings_a_codec(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert stored(list[Money] | None, [Money(5)], plugins=[MoneyArguments()]) == [5]

        pay = taking(Money)
        assert "no codec for Money" in refusal(Money, Money(5))
        monkeypatch.setattr(Job, "app", App(plugins=[MoneyArguments()]))
        assert stored_arguments(pay, "pay", [Money(7)], {}) == ([7], {})

    def test_what_it_raises_or_what_is_no_json_is_told(self) -> None:
        said = refusal(Money, 5, plugins=[MoneyArguments()])
        assert said == (
            ": expected Money, got int (AttributeError: 'int' object has no attribute 'cents')"
        )
        with pytest.raises(InvalidArguments, match=r"expected str, int, .* got UUID"):
            stored(Money, Money(ID), plugins=[MoneyArguments()])  # type: ignore[arg-type]


# Jobs


def test_all_that_looks_at_a_job_sees_one_form(buoy_app: App) -> None:
    got: list[Any] = []

    @job(name="codecs.pay", redact=["card"])
    def pay(day: date, card: dict[str, Decimal], *, at: datetime | None = None) -> None:
        got.append((day, card, at))

    handle = pay.enqueue(DAY, {"card": Decimal(1), "sum": Decimal("2.5")}, at=NOON)
    as_json: Any = ("2026-11-30", {"card": 1, "sum": "2.5"})
    same = pay.enqueue(*as_json, at=NOON)
    view = buoy_app.find(handle.id)

    assert handle.identifier == same.identifier
    assert view is not None
    assert view.args == ["2026-11-30", {"card": "1", "sum": "2.5"}]
    assert view.shown_args == ["2026-11-30", "[redacted]"]
    dequeued = buoy_app.dequeue(pay, DAY, {"card": Decimal(1), "sum": Decimal("2.5")}, at=NOON)
    assert set(dequeued) == {handle.id, same.id}
    edited = pay.enqueue(DAY, {})
    assert buoy_app.edit(edited.id, [date(2026, 1, 1), {"x": Decimal(3)}]) == "edited"
    with pytest.raises(InvalidArguments, match=r"argument 1 \(day\): expected date, such as"):
        buoy_app.edit(edited.id, ["tomorrow", {}])
    assert drain(buoy_app) == {"done": 1}
    with buoy_app.inline():
        pay.enqueue(DAY, {}, at=NOON)
    assert got == [(date(2026, 1, 1), {"x": Decimal(3)}, None), (DAY, {}, NOON)]


def test_identify_gets_what_perform_gets(buoy_app: App) -> None:
    class Daily(Job):
        name = "codecs.Daily"

        def perform(self, at: datetime) -> None: ...

        @classmethod
        def identify(cls, at: datetime) -> str:
            return f"{at:%Y-%m-%d}"

    assert Daily.enqueue(NOON).identifier == "2026-11-30"


def test_arguments_that_no_longer_fit_fail_the_job_and_nothing_tries_again(buoy_app: App) -> None:
    from buoy_retry import Retry

    @job(name="codecs.pay", plugins=[Retry()])
    def pay(day: date, amount: Decimal) -> None: ...

    buoy_app.push("codecs.pay", ["2026-11-30", {"old": 1}], queue="default")

    assert drain(buoy_app) == {"failed": 1}
    [failed] = buoy_app.failures.find()
    assert failed.failure is not None
    assert failed.failure["error"] == "buoy.errors.InvalidArguments"
    assert failed.failure["message"] == (
        "codecs.pay: argument 2 (amount): expected Decimal, got dict; has the class changed since "
        "the job was enqueued? Mend the class, or the arguments (buoy jobs edit), and retry the "
        "job"
    )
    assert buoy_app.edit(failed.id, ["2026-11-30", "2.50"]) == "edited"
    assert buoy_app.retry(failed.id).kind == "queued"
    assert drain(buoy_app) == {"done": 1}


def test_a_run_cannot_change_what_the_next_one_gets(buoy_app: App) -> None:
    got: list[Any] = []

    @job(name="codecs.eat")
    def eat(items: list[Item]) -> None:
        got.append(len(items))
        items.clear()

    built = eat.using().build([Item("x", Decimal(1))])
    buoy_app.perform(built)
    buoy_app.perform(built)

    assert got == [1, 1]


# Any value


def scalars() -> st.SearchStrategy[tuple[Any, Any]]:
    made: list[tuple[Any, st.SearchStrategy[Any]]] = [
        (date, st.dates()),
        (datetime, st.datetimes(timezones=st.just(UTC) | st.none())),
        (time, st.times()),
        (timedelta, st.timedeltas()),
        (UUID, st.uuids()),
        (Decimal, st.decimals(allow_nan=False)),
        (bytes, st.binary()),
        (Kind, st.sampled_from(Kind)),
        (Shape, st.sampled_from(Shape)),
    ]
    return st.one_of(*(st.tuples(st.just(kind), values) for kind, values in made))


@st.composite
def typed_values(draw: Callable[[Any], Any]) -> tuple[Any, Any]:
    """A type and a value of it."""
    kind, value = draw(scalars())
    for _ in range(draw(st.integers(0, 3))):
        shape: Callable[[Any, Any], tuple[Any, Any]] = draw(st.sampled_from(SHAPES))
        kind, value = shape(kind, value)
    return kind, value


SHAPES: list[Callable[[Any, Any], tuple[Any, Any]]] = [
    lambda kind, value: (GenericAlias(list, kind), [value, value]),
    lambda kind, value: (GenericAlias(tuple, (kind, ...)), (value,)),
    lambda kind, value: (GenericAlias(tuple, (int, kind)), (1, value)),
    lambda kind, value: (GenericAlias(dict, (str, kind)), {"": value, "ä": value}),
    lambda kind, value: (kind | None, value),
]


@settings(max_examples=60, deadline=None)
@given(typed_values())
def test_any_value_comes_back_as_it_was(typed: tuple[Any, Any]) -> None:
    annotation, value = typed
    found = Finder(lambda annotation: None).find(annotation)

    assert found.decode(json.loads(json.dumps(found.encode(value)))) == value
