"""Values of pydantic: models, its dataclasses, its own types, and what ``Field`` annotates.

pydantic is not needed for buoy, and is loaded only by those who use it.
"""

import re
import sys
from collections.abc import Collection, Mapping, Set
from dataclasses import is_dataclass
from functools import partial
from typing import Annotated, Any, get_origin

from ...model.strict_json import encode as json_text
from ...text.safe import shorten
from .codec import ANY, JSON_VALUES, OBJECT, Known, Mismatch, guarded
from .containers import in_order
from .scalars import is_equal

MARKS = ("__pydantic_core_schema__", "__get_pydantic_core_schema__", "__is_pydantic_dataclass__")
"""Attributes by which the classes of pydantic are known."""

INPUT = re.compile("input_value=.*, (?=input_type=)", re.DOTALL)
"""Where warnings of pydantic show a value, or several ones."""


def is_of_pydantic(annotation: Any) -> bool:
    """Whether pydantic knows best how values of an annotation are stored."""
    if "pydantic" not in sys.modules:
        return False
    if get_origin(annotation) is Annotated:
        notes = annotation.__metadata__
        return any(type(each).__module__.startswith("pydantic") for each in notes)
    return isinstance(annotation, type) and any(hasattr(annotation, mark) for mark in MARKS)


class OfPydantic(Known):
    """Values that pydantic stores and reads. Each is read back when it is enqueued: what would not
    come back as it was, such as a secret, is refused then."""

    def __init__(self, annotation: Any, name: str) -> None:
        import pydantic

        is_object = isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel)
        is_root = is_object and issubclass(annotation, pydantic.RootModel)
        super().__init__(name, frozenset({OBJECT}) if is_object and not is_root else ANY)
        self.kind = annotation if isinstance(annotation, type) else None
        self.adapter: Any = pydantic.TypeAdapter(annotation)
        self.refused = pydantic.ValidationError

    def holds(self, value: Any) -> bool:
        return type(value) is self.kind if self.kind else value is not None

    def encode(self, value: Any) -> Any:
        if guarded(is_json, value, self.name):
            value = self.decode(value)
        elif self.kind and type(value) is not self.kind and not self.is_value_type():
            raise self.wrong(value)
        stored = guarded(self.written, value, self.name)
        if not guarded(lambda value: is_same(value, self.read(stored)), value, self.name):
            raise Mismatch(
                f"{self.name} that comes back from JSON as it is",
                "one with a field that pydantic hides, leaves out or changes there",
            )
        return stored

    def is_value_type(self) -> bool:
        """Whether the annotation stands for values of another class, as ``EmailStr`` does."""
        return not any(hasattr(self.kind, mark) for mark in (MARKS[0], MARKS[2]))

    def decode(self, stored: Any) -> Any:
        return guarded(self.read, stored, self.name)

    def written(self, value: Any) -> Any:
        dump = partial(self.adapter.dump_python, mode="json", by_alias=False, round_trip=True)
        try:
            return with_sets_in_order(value, dump(value, warnings="error"))
        except ValueError as error:  # as errors of pydantic are
            told = shorten(INPUT.sub("", str(error)))
            raise Mismatch(self.name, f"one that pydantic does not write ({told})") from None

    def read(self, stored: Any) -> Any:
        try:
            return self.adapter.validate_json(json_text(stored), by_alias=False, by_name=True)
        except self.refused as error:
            raise Mismatch(self.name, f"one with {faults_of(error)}") from None


def is_json(value: Any) -> bool:
    """Whether a value is JSON, and not a list or dict of objects."""
    if type(value) not in (bool, *JSON_VALUES):
        return False
    try:
        json_text(value)
    except TypeError:
        return False
    return True


def with_sets_in_order(value: Any, stored: Any) -> Any:
    """Returns what pydantic has made of a value, with its sets in a fixed order, at any depth.

    Both are walked side by side. Where a serializer of users has made something else of a value,
    that stays as it is.
    """
    if getattr(value, "__pydantic_root_model__", False):
        value = value.root
    if isinstance(stored, list) and isinstance(value, Collection) and len(value) == len(stored):
        made = list(map(with_sets_in_order, value, stored))
        return in_order(made) if isinstance(value, Set) else made
    if not isinstance(stored, dict):
        return stored
    is_dict = isinstance(value, Mapping) and len(value) == len(stored)
    parts = value.values() if is_dict else [getattr(value, name, None) for name in stored]
    return dict(zip(stored, map(with_sets_in_order, parts, stored.values()), strict=True))


def is_same(value: Any, other: Any) -> bool:
    """Whether a value has come back as it was; a model: in its fields, and in what else it may
    hold. Private attributes are not stored, nor is what was only computed."""
    if type(value) is not type(other):
        return is_equal(value, other)
    if isinstance(value, dict):
        return value.keys() == other.keys() and all(
            is_same(value[key], other[key]) for key in value
        )
    if isinstance(value, list | tuple):
        return len(value) == len(other) and all(map(is_same, value, other))
    if hasattr(value, "__pydantic_fields_set__"):
        return is_same(attributes_of(value), attributes_of(other))
    if is_equal(value, other):
        return True
    return is_dataclass(value) and is_same(attributes_of(value), attributes_of(other))


def attributes_of(value: Any) -> list[Any]:
    """Returns the fields of a model or a dataclass, and what else a model holds."""
    kind: Any = type(value)
    names = kind.__dataclass_fields__ if is_dataclass(value) else kind.__pydantic_fields__
    extra = getattr(value, "__pydantic_extra__", None)
    return [*(getattr(value, name, None) for name in names), extra]


def faults_of(error: Any) -> str:
    """Returns what pydantic says of a value, without the value."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    told = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in faults[:3]]
    return "; ".join(each.removeprefix(": ") for each in told)
