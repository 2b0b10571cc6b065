"""The codecs for the parameters of a ``perform``, and what they make of arguments."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from inspect import Parameter
from types import FunctionType
from typing import Any, get_type_hints

from ...errors import InvalidArguments
from ...model.link import RESULT
from ...model.signature import POSITIONAL, NormalizedArguments
from ...text.safe import summarize_error
from .codec import Known, Mismatch, guarded
from .find import Finder, Own, no_codec

POST_INIT = ("__post_init__", "__attrs_post_init__")
"""Methods of dataclasses and of attrs classes that may change the fields of a new object."""


class ArgumentCodecs:
    """The codecs for the parameters of a ``perform``; None for those that take JSON as it is.

    ``is_read_back``: each value is read back when it is encoded, since it may change itself then.
    """

    def __init__(
        self, parameters: Sequence[tuple[Parameter, Known | None]], *, is_read_back: bool = False
    ) -> None:
        self.is_read_back = is_read_back
        self.positional = [(p.name, codec) for p, codec in parameters if p.kind in POSITIONAL]
        by_name = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
        self.named = {p.name: codec for p, codec in parameters if p.kind in by_name}
        self.rest = next((codec for p, codec in parameters if p.kind is p.VAR_POSITIONAL), None)
        self.others = next((codec for p, codec in parameters if p.kind is p.VAR_KEYWORD), None)

    def encode(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> NormalizedArguments:
        """Returns the arguments as they are stored; raises InvalidArguments."""
        if self.is_read_back:
            return self.converted(args, kwargs, lambda codec: partial(encode_and_read_back, codec))
        return self.converted(args, kwargs, lambda codec: codec.encode)

    def decode(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> NormalizedArguments:
        """Returns stored arguments as ``perform`` declares them; raises InvalidArguments."""
        return self.converted(args, kwargs, lambda codec: codec.decode)

    def encode_default(self, name: str, value: Any) -> Any:
        """Returns the default of a parameter as JSON; one of another type as it is."""
        codec = dict(self.positional).get(name) or self.named.get(name)
        try:
            return value if codec is None else guarded(codec.encode, value, codec.name)
        except Mismatch:
            return value

    def converted(
        self,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        call_of: Callable[[Known], Callable[[Any], Any]],
    ) -> NormalizedArguments:
        known = len(self.positional)
        positional = []
        for place, value in enumerate(args):
            name, codec = self.positional[place] if place < known else ("", self.rest)
            where = f"argument {place + 1}{f' ({name})' if name else ''}"
            if codec is not None and value is not RESULT:
                value = convert(call_of(codec), value, where)
            positional.append(value)
        named = {}
        for key, value in kwargs.items():
            codec = self.named.get(key, self.others)
            where = f'argument "{key}"'
            if codec is not None and value is not RESULT:
                value = convert(call_of(codec), value, where)
            named[key] = value
        return positional, named


def convert(call: Callable[[Any], Any], value: Any, where: str) -> Any:
    """Returns the result of a codec; raises InvalidArguments with the place of the value."""
    try:
        return guarded(call, value, "a value")
    except Mismatch as error:
        raise InvalidArguments(str(error.within(where))) from error.__cause__


def encode_and_read_back(codec: Known, value: Any) -> Any:
    """Returns what a codec stores of a value. Raises Mismatch if that would be read as another
    value, since a class changes its fields in its ``__post_init__``."""
    stored = codec.encode(value)
    back = codec.decode(deepcopy(stored))
    if codec.encode(back) != stored and back != value:
        raise Mismatch(
            f"{codec.name} that comes back from JSON as it is",
            "one that a __post_init__ changes when it is made again",
        )
    return stored


def codecs_for(
    method: Any, parameters: Sequence[Parameter], own: Own, *, check_types: bool
) -> ArgumentCodecs | None:
    """Returns the codecs for the parameters of a method; None if all take JSON as it is.

    ``own`` returns the codec of a plugin for an annotation. ``check_types``: types that JSON has
    are checked, too.
    """
    finder, names = Finder(own), globals_of(method)
    found = [(each, codec_of(each, finder, names)) for each in parameters]
    kept = [(each, codec if check_types or is_needed(codec) else None) for each, codec in found]
    has_some = any(codec is not None for _, codec in kept)
    is_read_back = any(hasattr(kind, name) for kind in finder.known for name in POST_INIT)
    return ArgumentCodecs(kept, is_read_back=is_read_back) if has_some else None


def is_needed(codec: Known) -> bool:
    """Whether a codec changes values, or can say more of a wrong one than that it is no JSON."""
    return not codec.plain or bool(getattr(codec, "reason", ""))


def codec_of(parameter: Parameter, finder: Finder, names: dict[str, Any]) -> Known:
    """Returns the codec for a parameter; one that says why for an annotation that cannot be read,
    such as that of a class that only type checkers import."""
    annotation = Any if parameter.annotation is parameter.empty else parameter.annotation
    holder = FunctionType((lambda: None).__code__, names)
    holder.__annotations__ = {"value": annotation}
    try:
        resolved = get_type_hints(holder, include_extras=True)["value"]
    except Exception as error:  # noqa: BLE001 - annotations may be any code
        return no_codec(annotation, f"which cannot be looked up: {summarize_error(error)}")
    return finder.find(resolved)


def globals_of(method: Any) -> dict[str, Any]:
    """Returns the names that the annotations of a method may use."""
    inner = inspect.unwrap(method)
    while not hasattr(inner, "__globals__"):
        within = getattr(inner, "__func__", None) or getattr(inner, "func", None)
        if within is None:
            return {}
        inner = inspect.unwrap(within)
    found: dict[str, Any] = inner.__globals__
    return found
