"""Objects with named fields: dataclasses, attrs classes, named tuples and typed dicts."""

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .codec import OBJECT, Known, Mismatch, guarded
from .containers import at


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record: ``name`` of the attribute, ``key`` of the argument that makes it."""

    name: str
    key: str
    annotation: Any
    required: bool


class Record(Known):
    """An object that is stored as a JSON object, by the names of its fields."""

    def __init__(self, kind: type) -> None:
        super().__init__(kind.__name__, frozenset({OBJECT}))
        self.kind, self.is_dict = kind, is_typed_dict(kind)
        self.make: Callable[..., Any] = dict if self.is_dict else kind
        self.fields: dict[str, tuple[Field, Known]] = {}
        """Filled when the record is known already: one of its fields may hold another one."""
        self.plain = self.is_dict

    def fill(self, fields: dict[str, tuple[Field, Known]]) -> None:
        self.fields = fields
        self.plain = self.is_dict and all(codec.plain for _, codec in fields.values())

    def holds(self, value: Any) -> bool:
        return type(value) is (dict if self.is_dict else self.kind)

    def encode(self, value: Any) -> Any:
        if self.is_dict:
            return self.converted(value, lambda codec: codec.encode)
        if type(value) is dict:
            return self.encode(self.decode(value))
        if not self.holds(value):
            raise self.wrong(value)
        return {
            name: at(f".{name}", codec.encode, self.attribute(value, name))
            for name, (_, codec) in self.fields.items()
        }

    def decode(self, stored: Any) -> Any:
        found = self.converted(stored, lambda codec: codec.decode)
        if self.is_dict:
            return found
        keys = {self.fields[name][0].key: value for name, value in found.items()}
        return guarded(lambda _: self.make(**keys), stored, self.name)

    def converted(
        self, value: Any, call_of: Callable[[Known], Callable[[Any], Any]]
    ) -> dict[str, Any]:
        """Returns the fields in a dict, each converted; raises Mismatch for others."""
        if type(value) is not dict:
            raise self.wrong(value)
        missing = [n for n, (field, _) in self.fields.items() if field.required and n not in value]
        unknown = [name for name in value if name not in self.fields]
        for names, what in ((missing, "one without"), (unknown, "one with")):
            if names:
                raise Mismatch(f"{self.name} with its fields", f"{what} {names[0]!r:.80}")
        return {
            name: at(f".{name}", call_of(self.fields[name][1]), each)
            for name, each in value.items()
        }

    def attribute(self, value: Any, name: str) -> Any:
        return guarded(lambda value: getattr(value, name), value, f"{self.name}.{name}")


def fields_of(kind: type, hints: dict[str, Any]) -> Iterator[Field] | None:
    """Returns the fields of a class that its objects are made of; None if it has no such fields.
    ``hints`` are its annotations."""
    if dataclasses.is_dataclass(kind):
        return (
            Field(each.name, each.name, hints[each.name], has_no_default(each))
            for each in dataclasses.fields(kind)
            if each.init
        )
    if "__attrs_attrs__" in vars(kind):
        return attrs_fields(kind, hints)
    if issubclass(kind, tuple) and hasattr(kind, "_field_defaults"):
        defaults: Any = kind._field_defaults
        names: Any = kind._fields  # type: ignore[attr-defined]  # of named tuples
        return (Field(n, n, hints.get(n, Any), n not in defaults) for n in names)
    if is_typed_dict(kind):
        needed: Any = kind.__required_keys__  # type: ignore[attr-defined]  # of typed dicts
        return (Field(name, name, hint, name in needed) for name, hint in hints.items())
    return None


def attrs_fields(kind: Any, hints: dict[str, Any]) -> Iterator[Field]:
    """Yields the fields of an attrs class. ``attrs`` itself is not needed for that."""
    for each in kind.__attrs_attrs__:
        if each.init:
            has_default = type(each.default).__name__ != "_Nothing"
            yield Field(each.name, each.alias, hints.get(each.name, Any), not has_default)


def has_no_default(field: "dataclasses.Field[Any]") -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def is_record(kind: type) -> bool:
    """Whether the objects of a class have named fields."""
    return fields_of(kind, Hints()) is not None


class Hints(dict[str, Any]):
    """Annotations of which each is Any."""

    def __missing__(self, name: str) -> Any:
        return Any


def is_typed_dict(kind: type) -> bool:
    """Whether a class is a typed dict, of ``typing`` or of ``typing_extensions``."""
    return type(kind).__name__ == "_TypedDictMeta"


def check_init(kind: Any, fields: list[Field]) -> str | None:
    """Returns why objects of a class cannot be made of their fields; None if they can."""
    if is_typed_dict(kind):
        return None
    try:
        inspect.signature(kind).bind(**{field.key: None for field in fields})
    except (TypeError, ValueError) as error:
        return f"its __init__ does not take its fields: {error}"
    return None
