"""Finds the codec for an annotation: that of a plugin, of pydantic, or of buoy."""

import types
from collections import abc
from collections.abc import Callable
from enum import Enum
from typing import (
    Annotated,
    Any,
    Literal,
    NewType,
    NotRequired,
    Required,
    TypeVar,
    Union,
    Unpack,
    get_args,
    get_origin,
    get_type_hints,
)

from ...text.safe import summarize_error
from .codec import TEXT, Codec, Foreign, Known
from .containers import Fixed, Items, Keyed
from .plain import ANYTHING, PLAIN, AnyJson, Choice
from .pydantic_models import OfPydantic, is_of_pydantic
from .records import Record, check_init, fields_of, is_record
from .scalars import SCALARS, Member
from .unions import Either

LISTS = (list, abc.Sequence, abc.MutableSequence, abc.Collection, abc.Iterable)
SETS = (set, abc.Set, abc.MutableSet)
DICTS = (dict, abc.Mapping, abc.MutableMapping)
WRAPPERS = (Required, NotRequired)
Own = Callable[[Any], Codec | None]
"""Returns the codec of a plugin for an annotation; None if no plugin has one."""


class Finder:
    """Finds codecs. Each class is looked at once, so that it may contain itself."""

    def __init__(self, own: Own) -> None:
        self.own = own
        self.known: dict[type, Known] = {}

    def find(self, annotation: Any) -> Known:
        """Returns the codec for an annotation. For a type that has none it is AnyJson, with the
        reason. Raises ConfigurationError for a union that JSON cannot tell apart."""
        plain = plain_codec(annotation)
        if plain is not None:
            return plain
        own = self.own(annotation)
        if own is not None:
            return Foreign(own, name_of(annotation))
        if is_of_pydantic(annotation):
            return OfPydantic(annotation, name_of(annotation))
        inner = wrapped_annotation(annotation)
        if inner is not annotation:
            return self.find(inner)
        if isinstance(annotation, type) and get_origin(annotation) is None:
            return self.of_class(annotation)
        return self.of_generic(annotation, get_origin(annotation), get_args(annotation))

    def of_generic(self, annotation: Any, origin: Any, args: tuple[Any, ...]) -> Known:
        """Returns the codec for a type with parameters."""
        if origin in (Union, types.UnionType):
            return self.union(args)
        if origin is Literal:
            return literal(args) or no_codec(annotation)
        if origin is tuple:
            return self.tuple(args)
        if origin in LISTS:
            return Items(list, self.find(args[0]))
        if origin in (*SETS, frozenset):
            return Items(frozenset if origin is frozenset else set, self.find(args[0]))
        if origin in DICTS:
            key = self.find(args[0])
            textual = key is PLAIN[int] or (key.forms == {TEXT})
            return Keyed(key, self.find(args[1])) if textual else no_codec(annotation)
        return no_codec(annotation)

    def union(self, members: tuple[Any, ...]) -> Known:
        found = list(dict.fromkeys(map(self.find, members)))
        reasons = [each for each in found if isinstance(each, AnyJson) and each.reason]
        if reasons and all(each.plain for each in found):
            return reasons[0]
        return Either(found)

    def tuple(self, args: tuple[Any, ...]) -> Known:
        if len(args) == 2 and args[1] is ...:
            return Items(tuple, self.find(args[0]))
        if any(getattr(each, "__unpacked__", False) or get_origin(each) is Unpack for each in args):
            return no_codec(tuple[args])  # type: ignore[valid-type]
        return Fixed([self.find(each) for each in args])

    def of_class(self, kind: type) -> Known:
        if kind not in self.known:
            self.known[kind] = self.made(kind)
        return self.known[kind]

    def made(self, kind: type) -> Known:
        if kind in SCALARS:
            return SCALARS[kind]
        if kind in (tuple, set, frozenset):
            return Items(kind, ANYTHING)
        if kind in (*LISTS, *SETS, *DICTS):
            return self.of_generic(kind, kind, (str, Any) if kind in DICTS else (Any,))
        if issubclass(kind, Enum):
            return Member(kind) if len(kind) else no_codec(kind)
        return self.record(kind) if is_record(kind) else no_codec(kind)

    def record(self, kind: type) -> Known:
        try:
            hints = get_type_hints(kind, include_extras=True)
        except Exception as error:  # noqa: BLE001 - annotations may be any code
            return no_codec(kind, f"its annotations cannot be read: {summarize_error(error)}")
        fields = list(fields_of(kind, hints) or ())
        reason = check_init(kind, fields)
        if reason is not None:
            return no_codec(kind, reason)
        record = self.known[kind] = Record(kind)
        record.fill({each.name: (each, self.find(each.annotation)) for each in fields})
        return record


def plain_codec(annotation: Any) -> Known | None:
    """Returns the codec of a type that JSON has; None for another annotation."""
    try:
        return PLAIN.get(annotation)
    except TypeError:  # not hashable
        return None


def wrapped_annotation(annotation: Any) -> Any:
    """Returns the type that an annotation stands for; the annotation itself for a type."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return annotation.__origin__
    if origin in WRAPPERS or str(origin).endswith(".ReadOnly"):
        return get_args(annotation)[0]
    if isinstance(annotation, NewType):
        return annotation.__supertype__
    if type(annotation).__name__ == "TypeAliasType":
        return annotation.__value__
    if isinstance(annotation, TypeVar):
        return annotation.__bound__ or Any
    return annotation


def literal(values: tuple[Any, ...]) -> Known | None:
    """Returns the codec for one of some values; None if these are of several kinds."""
    if all(type(each) in PLAIN for each in values):
        return Choice(values)
    kinds = {type(each) for each in values}
    kind = kinds.pop()
    return Member(kind) if not kinds and issubclass(kind, Enum) else None


def no_codec(annotation: Any, why: str = "") -> AnyJson:
    """Returns the codec for a type that has none: JSON passes, and anything else is refused."""
    name = name_of(annotation)
    told = f", {why}" if why else ""
    return AnyJson(
        f"there is no codec for {name}{told}; pass what JSON holds, such as an id, or add a codec "
        "(docs/arguments.md)"
    )


def name_of(annotation: Any) -> str:
    """Returns an annotation as it is written in a message."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation.__name__
    return f"{annotation!r:.120}".replace("typing.", "")
