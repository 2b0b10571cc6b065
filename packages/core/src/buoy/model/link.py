"""The further jobs of a chain, as the job before them carries them in its payload."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from ..errors import CorruptPayload
from .checks import short_repr
from .options import Options
from .signature import NormalizedArguments

Link = Mapping[str, Any]
"""``class``, ``args``, ``kwargs`` and ``options`` of one job, as JSON; ``sealed``: its arguments in
place of ``args`` and ``kwargs``, and ``id``, to which this text belongs."""

STANDS_FOR_RESULT = {"buoy": "result"}
"""What stands for RESULT where arguments are stored."""


class Result:
    """The type of RESULT."""

    def __repr__(self) -> str:
        return "RESULT"


RESULT: Any = Result()
"""In ``Charge.then(Pack, RESULT)``: what the job before has returned."""


def check_chain(chain: Any) -> None:
    """Raise CorruptPayload for what is no list of links."""
    for link in chain:
        right = type(link) is dict and type(link.get("class")) is str and link["class"]
        kinds = (("args", list), ("kwargs", dict), ("options", dict), ("sealed", str), ("id", str))
        if not right or any(type(link.get(name, kind())) is not kind for name, kind in kinds):
            raise CorruptPayload(
                "payload: expected 'chain' to be jobs with their classes and arguments, got "
                f"{short_repr(link):.80}"
            )


def exchanged(
    args: Sequence[Any], kwargs: Mapping[str, Any], old: object, new: object
) -> NormalizedArguments:
    """Returns the arguments with one value in place of another."""

    def one(value: Any) -> Any:
        return new if value is old or (type(old) is dict and value == old) else value

    return [one(value) for value in args], {name: one(value) for name, value in kwargs.items()}


def stored_options(options: Options) -> dict[str, Any]:
    """Returns the options that differ from those of the class, without its chain."""
    found = ((each.name, getattr(options, each.name), each.default) for each in fields(options))
    return {
        name: list(value) if type(value) is tuple else value
        for name, value, default in found
        if value != default and name != "chain"
    }
