"""Arguments that pydantic describes."""

import functools
import os
import subprocess
import sys
import traceback
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import pytest

from buoy import App, InvalidArguments, job
from buoy.jobs.codecs.codec import Mismatch
from buoy.jobs.codecs.find import Finder
from buoy.testing import drain

pytest.importorskip("pydantic", minversion="2.11")
import pydantic
import pydantic.dataclasses

pytestmark = pytest.mark.usefixtures("buoy_registry")


class Cat(pydantic.BaseModel):
    kind: Literal["cat"] = "cat"
    born: datetime = pydantic.Field(alias="bornAt")
    price: Decimal = Decimal(1)


class Dog(pydantic.BaseModel):
    kind: Literal["dog"] = "dog"
    friends: "list[Dog | Cat]" = []


class Login(pydantic.BaseModel):
    password: pydantic.SecretStr
    note: str = pydantic.Field(default="", exclude=True)


class Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid")

    at: datetime
    ids: tuple[int, ...] = ()

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def count(self) -> int:
        return len(self.ids)


@dataclass
class Basket:
    cats: list[Cat]


Animal = Annotated[Cat | Dog, pydantic.Field(discriminator="kind")]
Few = Annotated[int, pydantic.Field(lt=10)]
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
CAT: Any = Cat(bornAt=NOON, price=Decimal("2.50"))
STORED = {"kind": "cat", "born": "2026-11-30T12:00:00Z", "price": "2.50"}


def codec(annotation: Any) -> Any:
    return Finder(lambda annotation: None).find(annotation)


def check_stored_and_read(annotation: Any, value: Any, form: Any) -> None:
    """A value is stored in this form, and read from it; the form may be given as it is."""
    found = codec(annotation)

    assert found.encode(value) == form
    assert found.decode(form) == value
    assert found.encode(form) == form


@pytest.mark.parametrize(
    ("annotation", "value", "form"),
    [
        (Cat, CAT, STORED),
        (list[Cat] | None, [CAT], [STORED]),
        (dict[str, Cat], {"x": CAT}, {"x": STORED}),
        (Basket, Basket([CAT]), {"cats": [STORED]}),
        (Animal, CAT, STORED),
        (Animal, Dog(friends=[CAT]), {"kind": "dog", "friends": [STORED]}),
        (Strict, Strict(at=NOON, ids=(1, 2)), {"at": "2026-11-30T12:00:00Z", "ids": [1, 2]}),
        (Few, 5, 5),
        (pydantic.HttpUrl, pydantic.HttpUrl("https://example.com"), "https://example.com/"),
    ],
    ids=str,
)
def test_a_value_is_stored_by_the_names_of_its_fields_and_comes_back(
    annotation: Any, value: Any, form: Any
) -> None:
    check_stored_and_read(annotation, value, form)


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (Cat, 3, "expected Cat, got one with Input should be an object"),
        (Cat, Dog(), f"expected Cat, got {__name__}.Dog"),
        (Cat, {"born": "hidden"}, "expected Cat, got one with born: Input should be a valid "
         "datetime or date, input is too short"),
        (Few, 50, "got one with Input should be less than 10"),
        (Login, Login(password=pydantic.SecretStr("x")), "expected Login that comes back from JSON "
         "as it is, got one with a field that pydantic hides, leaves out or changes there"),
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_fit_or_would_change_is_refused(
    annotation: Any, value: Any, message: str
) -> None:
    @job(name="shop.buy")
    def buy(value: annotation) -> None: ...

    with pytest.raises(InvalidArguments) as raised:
        buy.using().build(value)
    assert message in str(raised.value)
    assert "hidden" not in str(raised.value)


def test_jobs_get_models(buoy_app: App) -> None:
    got: list[Any] = []

    @job(name="shop.buy")
    def buy(animal: Animal, *more: Cat) -> None:
        got.append((animal, more))

    buy.enqueue(CAT, CAT)

    assert drain(buoy_app, raise_errors=True) == {"done": 1}
    assert got == [(CAT, (CAT,))]


class Tags(pydantic.BaseModel):
    names: set[str]
    groups: dict[str, list[frozenset[str]]] = {}


class Roots(pydantic.RootModel[set[str]]):
    """A model that is one set."""


class Spot(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)

    names: frozenset[str]


@pydantic.dataclasses.dataclass
class Area:
    spots: set[Spot]


WORDS = ("pear", "fig", "apple", "plum", "kiwi")
IN_ORDER = ["apple", "fig", "kiwi", "pear", "plum"]


@pytest.mark.parametrize(
    ("annotation", "value", "form"),
    [
        (
            Tags,
            Tags(names=set(WORDS), groups={"x": [frozenset(WORDS)]}),
            {"names": IN_ORDER, "groups": {"x": [IN_ORDER]}},
        ),
        (Roots, Roots(set(WORDS)), IN_ORDER),
        (
            Area,
            Area({Spot(names=frozenset(WORDS)), Spot(names=frozenset({"a"}))}),
            {"spots": [{"names": ["a"]}, {"names": IN_ORDER}]},
        ),
        (Annotated[set[str], pydantic.Field(max_length=9)], set(WORDS), IN_ORDER),
    ],
    ids=["model", "root", "dataclass", "annotated"],
)
def test_sets_are_stored_in_a_fixed_order(annotation: Any, value: Any, form: Any) -> None:
    check_stored_and_read(annotation, value, form)


HASHED = """
import pydantic, buoy
from buoy.jobs.job import Job
class Tags(pydantic.BaseModel):
    names: set[str]
class Tag(Job):
    def perform(self, tags: Tags) -> None: ...
print(Tag.using().build(Tags(names={"pear", "fig", "apple", "plum", "kiwi"})).identifier)
"""


def test_a_model_with_a_set_has_one_identifier_in_all_processes() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", HASHED],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(found) == 1


BERLIN = ZoneInfo("Europe/Berlin")
TWICE = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
"""The clocks of Berlin show it twice: Python takes it for unequal to all times of other zones."""


class Lazy(pydantic.BaseModel):
    at: datetime = NOON
    times: dict[str, list[datetime]] = {}
    pairs: list[tuple[int, datetime]] = []

    @functools.cached_property
    def year(self) -> int:
        return self.at.year


class Open(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")


class Noted(pydantic.BaseModel):
    note: str = pydantic.Field(default="", exclude=True)


class Opening(pydantic.BaseModel):
    at: time


class OpenDates(Open):
    __pydantic_extra__: dict[str, date]


@pydantic.dataclasses.dataclass
class Slot:
    at: datetime
    lazy: Lazy | None = None


@pytest.mark.parametrize(
    "value",
    [
        Lazy(at=TWICE),
        Lazy(at=TWICE.replace(fold=1)),
        Lazy(times={"x": [NOON, TWICE]}, pairs=[(1, TWICE)]),
        Slot(TWICE, Lazy(at=TWICE)),
        Opening(at=time(12, tzinfo=UTC)),
        Open(x=1, y=[None, {"a": "b"}]),  # type: ignore[call-arg]
        OpenDates(x=date(2026, 11, 30)),  # type: ignore[call-arg]
    ],
    ids=repr,
)
def test_a_value_that_comes_back_as_it_was_is_taken(value: Any) -> None:
    found = codec(type(value))
    form = found.encode(value)

    assert found.encode(found.decode(form)) == form


def test_a_value_that_was_looked_at_is_still_taken() -> None:
    value = Lazy()
    before = codec(Lazy).encode(value)
    assert value.year == 2026

    assert codec(Lazy).encode(value) == before
    assert codec(Slot).encode(Slot(NOON, value))["lazy"] == before


@pytest.mark.parametrize(
    "value",
    [
        Open(when=date(2026, 11, 30)),  # type: ignore[call-arg]
        Open(pair=(1, 2)),  # type: ignore[call-arg]
        Noted(note="x"),
        Opening(at=time(12, tzinfo=BERLIN)),
        [Noted(note="x")],
        Lazy.model_construct(at=date(2026, 11, 30)),
        Lazy.model_construct(times={"x": [date(2026, 11, 30)]}),
        Slot(NOON, Lazy.model_construct(at=date(2026, 11, 30))),
    ],
    ids=repr,
)
def test_a_value_that_would_come_back_as_another_one_is_refused(value: Any) -> None:
    with pytest.raises(Mismatch):
        codec(list[Noted] if isinstance(value, list) else type(value)).encode(value)


Cats = Annotated[list[Cat], pydantic.Field(max_length=1)]
Days = Annotated[dict[str, date], pydantic.Field(description="by name")]


@pytest.mark.parametrize(
    ("annotation", "value", "form"),
    [
        (Cats, [CAT], [STORED]),
        (Days, {"x": date(2026, 11, 30)}, {"x": "2026-11-30"}),
        (Annotated[list[list[Cat]], pydantic.Field()], [[CAT]], [[STORED]]),
        (Annotated[list[tuple[int, str]], pydantic.Field()], [(1, "x")], [[1, "x"]]),
        (Annotated[dict[int, str], pydantic.Field()], {1: "x"}, {"1": "x"}),
        (Annotated[list[Any], pydantic.Field()], [1, None], [1, None]),
    ],
    ids=str,
)
def test_what_field_annotates_takes_the_objects_that_it_declares(
    annotation: Any, value: Any, form: Any
) -> None:
    check_stored_and_read(annotation, value, form)


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (Cats, [CAT, CAT], "at most 1 item"),
        (Cats, [STORED, STORED], "at most 1 item"),
        (Cats, [Dog()], "Cat"),
        (Cat, {"born": NOON}, "expected Cat, got dict"),
        (Days, {"x": 3.5}, "x: "),
    ],
    ids=str,
)
def test_what_field_annotates_is_checked(annotation: Any, value: Any, message: str) -> None:
    with pytest.raises(Mismatch, match=message):
        codec(annotation).encode(value)


class ByAlias(Cat):
    model_config = pydantic.ConfigDict(serialize_by_alias=True)


def test_fields_have_their_names_also_in_a_model_that_is_written_by_aliases() -> None:
    value = ByAlias(bornAt=NOON)

    assert codec(ByAlias).encode(value) == {**STORED, "price": "1"}


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Cat, Cat.model_construct(born="hidden, input_type=hidden")),
        (Cats, [CAT, {"born": "hidden"}]),
        (list[Strict], [Strict.model_construct(at="hidden\nhidden", ids=["hidden"])]),
    ],
    ids=["field", "item", "two fields"],
)
def test_what_pydantic_does_not_write_is_not_shown(annotation: Any, value: Any) -> None:
    with pytest.raises(Mismatch) as raised:
        codec(annotation).encode(value)

    told = "".join(traceback.format_exception(raised.value))
    assert "input_type=" in str(raised.value)
    assert "hidden" not in told
