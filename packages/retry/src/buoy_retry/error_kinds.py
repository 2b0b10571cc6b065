"""Which errors a rule is for: exception classes, and groups that are given by a function."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from buoy.plugins import expect

from .delay import Delay, GivenDelay, delay_strategy
from .option_checks import check_callable, check_hashable


@dataclass(frozen=True)
class Group:
    """A named group of errors: an error belongs to it when ``holds(error)`` returns True."""

    name: str
    holds: Callable[[BaseException], bool]

    def __post_init__(self) -> None:
        check_callable(self.holds, "Group(holds)", "error")
        check_hashable(self.holds, "Group(holds)")

    def __repr__(self) -> str:
        return self.name


Kind = type[BaseException] | Group
Kinds = Kind | Sequence[Kind] | Set[Kind]
On = Kinds | Mapping[Any, GivenDelay | None]
STANDS_FOR = "__stands_for__"
"""By this attribute a class that a plugin has made from another one names that."""
Rules = tuple[tuple[Kind, Delay | None], ...]
"""Kinds of errors, each with its own delay, or None for the delay of the Retry."""


def checked_kinds(given: Kinds, subject: str) -> tuple[Kind, ...]:
    """Returns the exception classes and groups of an option, which may be one or several. Raises
    ConfigurationError for anything else."""
    several = isinstance(given, list | tuple | set | frozenset)
    found: tuple[Any, ...] = tuple(given) if several else (given,)  # type: ignore[arg-type]
    for each in found:
        is_class = isinstance(each, type) and issubclass(each, BaseException)
        wanted = "exception classes or groups like HTTP_ERRORS"
        expect(is_class or isinstance(each, Group), subject, wanted, each)
    return found


def checked_rules(on: On, subject: str) -> Rules:
    """Returns the option ``on`` as pairs of kind and delay. Raises ConfigurationError when it names
    no kind of error, or a wrong one."""
    pairs = on.items() if isinstance(on, Mapping) else [(on, None)]
    found = {
        kind: None if own is None else delay_strategy(own, subject)
        for some, own in pairs
        for kind in checked_kinds(some, subject)
    }
    expect(len(found) > 0, subject, "at least one exception class (limit=0 retries none)", on)
    return tuple(found.items())


def nearest_kind(among: Iterable[Kind], error: BaseException) -> Kind | None:
    """Returns the kind that describes an error best: its own class, else the first group that holds
    it, else the nearest of its base classes. Returns None when no kind does."""
    listed = list(among)
    made, *bases = type(error).__mro__
    own: type[BaseException] = vars(made).get(STANDS_FOR, made)
    if own in listed:
        return own
    for kind in listed:
        if isinstance(kind, Group) and kind.holds(error):
            return kind
    return next((base for base in bases if base in listed), None)


def loaded_classes(*names: str) -> tuple[type, ...]:
    """Returns the classes with these full names whose modules are loaded. An error of a module that
    is not loaded cannot have been raised, so a group needs to import no library."""
    pairs = [name.rpartition(".") for name in names]
    found = [getattr(sys.modules.get(module), name, None) for module, _, name in pairs]
    return tuple(each for each in found if isinstance(each, type))
