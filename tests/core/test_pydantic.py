"""Arguments that pydantic describes."""

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest

from buoy import App, InvalidArguments, job
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
    found = codec(annotation)

    assert found.encode(value) == form
    assert found.decode(form) == value
    assert found.encode(form) == form


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (Cat, 3, "expected Cat, got one with Input should be an object"),
        (Cat, Dog(), f"expected Cat, got {__name__}.Dog"),
        (Cat, {"born": "hidden"}, "expected Cat, got one with born: Input should be a valid "
         "datetime or date, input is too short"),
        (Few, 50, "got one with Input should be less than 10"),
        (Login, Login(password=pydantic.SecretStr("x")), "expected Login that comes back from JSON "
         "as it is, got one with a field that pydantic hides or leaves out there"),
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
    found = codec(annotation)

    assert found.encode(value) == form
    assert found.decode(form) == value
    assert found.encode(form) == form


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
