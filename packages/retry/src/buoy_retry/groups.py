"""Which errors are meant: classes, and groups that look at an error."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from .declared import check_callable, check_hashable, expect
from .delay import Delay, GivenDelay, strategy


@dataclass(frozen=True)
class Group:
    """Errors of one kind, told by looking at each: ``holds(error)``."""

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
Rules = tuple[tuple[Kind, Delay | None], ...]
"""Kinds of errors, each with the delay of its own, if it has one."""


def kinds(given: Kinds, subject: str) -> tuple[Kind, ...]:
    """Classes and groups that are given alone or as several."""
    several = isinstance(given, list | tuple | set | frozenset)
    found: tuple[Any, ...] = tuple(given) if several else (given,)  # type: ignore[arg-type]
    for each in found:
        is_class = isinstance(each, type) and issubclass(each, BaseException)
        wanted = "exception classes or groups like HTTP_ERRORS"
        expect(is_class or isinstance(each, Group), subject, wanted, each)
    return found


def rules(on: On, subject: str) -> Rules:
    """The kinds of errors that are given, alone, as several, or with a delay for each."""
    pairs = on.items() if isinstance(on, Mapping) else [(on, None)]
    found = {
        kind: None if own is None else strategy(own, subject)
        for some, own in pairs
        for kind in kinds(some, subject)
    }
    expect(len(found) > 0, subject, "at least one exception class (limit=0 retries none)", on)
    return tuple(found.items())


def nearest(among: Iterable[Kind], error: BaseException) -> Kind | None:
    """What describes the error best: its own class, else the first group that holds it, else the
    nearest of its bases."""
    listed = list(among)
    own, *bases = type(error).__mro__
    if own in listed:
        return own
    for kind in listed:
        if isinstance(kind, Group) and kind.holds(error):
            return kind
    return next((base for base in bases if base in listed), None)


def loaded(*names: str) -> tuple[type, ...]:
    """The classes of these full names, as far as their modules are loaded: an error of another
    module cannot have been raised. So nothing is imported for a declaration."""
    pairs = [name.rpartition(".") for name in names]
    found = [getattr(sys.modules.get(module), name, None) for module, _, name in pairs]
    return tuple(each for each in found if isinstance(each, type))
