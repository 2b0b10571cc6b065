"""Unions: a value of one of several types, which JSON must be able to tell apart."""

from collections.abc import Callable
from typing import Any

from ...errors import ConfigurationError
from .codec import BOOL, NULL, Known, Mismatch
from .plain import form_of


class Either(Known):
    """A value of one of these types."""

    def __init__(self, members: list[Known]) -> None:
        forms = frozenset(form for each in members for form in each.forms)
        super().__init__(" | ".join(each.name for each in members), forms)
        self.members = members
        others = [each for each in members if each.forms != {NULL}]
        self.only = others if len(others) == 1 else []
        self.plain = all(each.plain for each in members)
        if not self.plain:
            check_distinct(self)

    def holds(self, value: Any) -> bool:
        return any(each.holds(value) for each in self.members)

    def encode(self, value: Any) -> Any:
        member = self.member(value, stored=False)
        return self.told(member, member.encode, value)

    def decode(self, stored: Any) -> Any:
        member = self.member(stored, stored=True)
        return self.told(member, member.decode, stored)

    def told(self, member: Known, call: Callable[[Any], Any], value: Any) -> Any:
        """Returns the result of a call; an error that names the member names the union instead."""
        try:
            return call(value)
        except Mismatch as error:
            if error.wanted == member.name and not error.path:
                error.wanted = self.name
            raise

    def member(self, value: Any, *, stored: bool) -> Known:
        """Returns the codec of the type to which a value belongs; raises Mismatch if there is none.
        A value may be given as it is stored, too; and one type beside None gets all others."""
        held = [each for each in self.members if each.holds(value) and is_apt(each, value)]
        if held and not stored:
            return held[0]
        form = form_of(value)
        fitting = [each for each in self.members if form in each.forms] or self.only
        if not fitting:
            raise self.wrong(value)
        return next((each for each in fitting if each in held), fitting[0])


def is_apt(member: Known, value: Any) -> bool:
    """Whether a type is not a number that would take a bool, which is an int in Python."""
    return type(value) is not bool or BOOL in member.forms


def check_distinct(union: Either) -> None:
    """Raise ConfigurationError if two types are stored in one form, unless neither is converted."""
    for place, one in enumerate(union.members):
        for other in union.members[place + 1 :]:
            shared = sorted(one.forms & other.forms)
            if shared and not (one.plain and other.plain):
                raise ConfigurationError(
                    f"{union.name}: expected types that JSON can tell apart, got {one.name} and "
                    f"{other.name}, which may both be {shared[0]} there; put each into a dataclass "
                    "with a field of its own, or use a codec of your own (docs/arguments.md)"
                )
