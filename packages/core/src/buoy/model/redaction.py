"""Arguments whose values nobody is to see: their names are declared, ``[redacted]`` is shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

from ..errors import ConfigurationError
from .checks import expect
from .names import checked_line
from .payload import SEALED

REDACTED = "[redacted]"
NO_NAMES: tuple[str, ...] = ()
NEVER = 10**9
"""A position that no argument has."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """Which arguments of a job are not shown.

    ``names``: of named arguments, and keys of dicts at any depth; in lower case. ``positions``: of
    positional arguments; ``rest``: so are all from this position on. ``named``: so are all named
    arguments.
    """

    names: frozenset[str] = frozenset()
    positions: frozenset[int] = frozenset()
    rest: int = NEVER
    named: bool = False

    def shown_args(self, args: Sequence[Any]) -> list[Any]:
        """Returns positional arguments as they are shown."""
        return [
            REDACTED if place in self.positions or place >= self.rest else self.shown(value)
            for place, value in enumerate(args)
        ]

    def shown_kwargs(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Returns named arguments as they are shown."""
        if self.named:
            return dict.fromkeys(kwargs, REDACTED)
        found: dict[str, Any] = self.shown(kwargs)
        return found

    def shown(self, value: Any) -> Any:
        """Returns a value as it is shown: a copy if it has dicts."""
        if not isinstance(value, Mapping | list | tuple):
            return value
        try:
            return self.copied(value)
        except RecursionError:  # another program has written it
            return REDACTED

    def copied(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {
                key: REDACTED if lower(key) in self.names else self.copied(each)
                for key, each in value.items()
            }
        return list(map(self.copied, value)) if isinstance(value, list | tuple) else value

    def with_names(self, names: frozenset[str]) -> "Redaction":
        """Returns a redaction that also hides arguments of these names."""
        if names <= self.names:
            return self
        return Redaction(self.names | names, self.positions, self.rest, self.named)


NOTHING, EVERYTHING = Redaction(), Redaction(rest=0, named=True)


def lower(name: object) -> str:
    return str(name).casefold()


def lowered(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(lower, names))


def checked_redact(names: object, subject: str) -> tuple[str, ...]:
    """Returns the names of arguments; raises ConfigurationError unless they are a list of texts."""
    expect(isinstance(names, list | tuple), subject, "a list of names of arguments", names)
    assert isinstance(names, list | tuple)
    return tuple(checked_line(name, f"{subject}: each name") for name in names)


def redact_field(
    names: Iterable[str], places: Iterable[tuple[int, Parameter]]
) -> dict[str, Any] | None:
    """Returns what a payload says of arguments that have these names, for a ``perform`` that has
    these parameters in these places; None if there are none. ``names`` are in lower case."""
    hidden = sorted(set(names))
    field: dict[str, Any] = {"names": hidden}
    positions: set[int] = set()
    for place, parameter in places:
        if lower(parameter.name) not in hidden:
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            field["rest"] = min(place, field.get("rest", place))
        elif parameter.kind is parameter.VAR_KEYWORD:
            field["named"] = True
        elif parameter.kind is not parameter.KEYWORD_ONLY:
            positions.add(place)
    if positions:
        field["positions"] = sorted(positions)
    return field if hidden else None


def read_redaction(field: Mapping[str, Any] | None) -> Redaction:
    """Returns the redaction that a payload asks for. What cannot be read there hides everything."""
    if field is None:
        return NOTHING
    names, positions = field.get("names"), field.get("positions", [])
    rest = field.get("rest", NEVER)
    if not (isinstance(names, list) and isinstance(positions, list)):
        return EVERYTHING
    if not all(type(place) is int for place in [rest, *positions]):
        return EVERYTHING
    return Redaction(lowered(names), frozenset(positions), rest, bool(field.get("named")))


def restored(given: Any, shown: Any, real: Any) -> Any:
    """Returns a value that was edited, with what was hidden put back: where ``shown`` had
    ``[redacted]`` and it still stands, there is the value of ``real``; so it is with the arguments
    of a job if they were shown as ``[sealed]``.

    Raises ConfigurationError where it is not sure which value that is.
    """
    if given == shown and given in (REDACTED, [SEALED]):
        return real
    if isinstance(given, dict) and isinstance(shown, dict):
        return {
            key: restored(value, shown[key], real[key]) if key in shown else as_written(value)
            for key, value in given.items()
        }
    if isinstance(given, list) and isinstance(shown, list):
        if shown != real and stands_for_hidden(given):
            check_places(given, shown)
        known = list(zip(given, shown, real, strict=False))
        return [*(restored(*each) for each in known), *map(as_written, given[len(known) :])]
    return as_written(given)


def check_places(given: list[Any], shown: list[Any]) -> None:
    """Raise ConfigurationError if the items of a list may have other places than they were shown
    in: what is hidden in them is known by its place only."""
    both = min(len(given), len(shown))
    if len(given) == len(shown):
        pairs = zip(given, shown, strict=True)
        moved = any(new != old and new in shown and stands_for_hidden(new) for new, old in pairs)
    else:
        moved = given[:both] != shown[:both] or given[-1] in shown[both:]
    if moved:
        raise ConfigurationError(
            f"arguments: expected a list whose items stay in their places, since {REDACTED} in it "
            "stands for a value, got one in which items were moved, inserted or removed; write all "
            "hidden values of that list"
        )


def as_written(value: Any) -> Any:
    """Returns a value that a person has written. Raises ConfigurationError if it has
    ``[redacted]``, behind which nothing is."""
    if stands_for_hidden(value):
        raise ConfigurationError(
            f"arguments: expected {REDACTED} only where it was shown, got it elsewhere; write the "
            "value that is to be there"
        )
    return value


def stands_for_hidden(value: Any) -> bool:
    """Whether a value is ``[redacted]``, or holds it."""
    found = [value]
    for each in found:  # it grows meanwhile: the value may be too deep for a call at each level
        if isinstance(each, dict | list):
            found.extend(each.values() if isinstance(each, dict) else each)
    return REDACTED in found
