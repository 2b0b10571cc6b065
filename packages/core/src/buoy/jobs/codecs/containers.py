"""Lists, tuples, sets and dicts of values that have codecs."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from ...model.strict_json import encode as json_text
from ...model.strict_json import encode_canonical
from .codec import LIST, OBJECT, TEXT, Known, Mismatch, guarded
from .plain import PLAIN


class Items(Known):
    """Any number of values of one type; stored as a list. Sets are stored in a fixed order."""

    def __init__(self, kind: type, item: Known) -> None:
        super().__init__(f"{kind.__name__}[{item.name}]", frozenset({LIST}))
        self.kind, self.item = kind, item
        self.plain = kind is list and item.plain
        self.is_set = kind in (set, frozenset)

    def holds(self, value: Any) -> bool:
        return isinstance(value, self.kind)

    def encode(self, value: Any) -> Any:
        if not isinstance(value, (list, tuple) if not self.is_set else (list, set, frozenset)):
            raise self.wrong(value)
        if self.is_set and isinstance(value, list):
            value = self.decode(value)
        stored = each_of(self.item.encode, value)
        return in_order(stored) if self.is_set else stored

    def decode(self, stored: Any) -> Any:
        if type(stored) is not list:
            raise self.wrong(stored)
        return guarded(self.kind, each_of(self.item.decode, stored), self.name)


class Fixed(Known):
    """A tuple whose items have a type each; stored as a list."""

    def __init__(self, items: list[Known]) -> None:
        super().__init__(f"tuple[{', '.join(each.name for each in items)}]", frozenset({LIST}))
        self.items = items

    def holds(self, value: Any) -> bool:
        return isinstance(value, tuple)

    def encode(self, value: Any) -> Any:
        return self.converted(value, (tuple, list), [each.encode for each in self.items])

    def decode(self, stored: Any) -> Any:
        return tuple(self.converted(stored, (list,), [each.decode for each in self.items]))

    def converted(
        self, value: Any, kinds: tuple[type, ...], calls: list[Callable[[Any], Any]]
    ) -> list[Any]:
        if not any(isinstance(value, kind) for kind in kinds):
            raise self.wrong(value)
        if len(value) != len(calls):
            raise Mismatch(f"{len(calls)} items for {self.name}", str(len(value)))
        return [at(f"[{index}]", call, value[index]) for index, call in enumerate(calls)]


class Keyed(Known):
    """A dict; its keys are stored as texts."""

    def __init__(self, key: Known, value: Known) -> None:
        super().__init__(f"dict[{key.name}, {value.name}]", frozenset({OBJECT}))
        self.key, self.value = WHOLE if key is PLAIN[int] else key, value
        self.plain = key.plain and self.key is key and value.plain

    def holds(self, value: Any) -> bool:
        return isinstance(value, dict)

    def encode(self, value: Any) -> Any:
        return self.converted(value, self.key.encode, self.value.encode)

    def decode(self, stored: Any) -> Any:
        return self.converted(stored, self.key.decode, self.value.decode)

    def converted(
        self, value: Any, of_key: Callable[[Any], Any], of_value: Callable[[Any], Any]
    ) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise self.wrong(value)
        made = {
            at(" keys", of_key, key): at(step_of(key), of_value, each)
            for key, each in value.items()
        }
        if len(made) != len(value):
            raise Mismatch("keys that differ in JSON", "two that are equal there")
        return made


class WholeKey(Known):
    """An int that is the key of a dict: stored as text."""

    def __init__(self) -> None:
        super().__init__("int", frozenset({TEXT}))

    def holds(self, value: Any) -> bool:
        return type(value) is int

    def encode(self, value: Any) -> Any:
        return str(value) if type(value) is int else str(self.decode(value))

    def decode(self, stored: Any) -> Any:
        if type(stored) is not str:
            raise self.wrong(stored)
        try:
            return int(stored)
        except ValueError:
            raise Mismatch("int", "another text") from None


WHOLE = WholeKey()


def each_of(call: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
    """Returns the result of a call for each value; errors tell which value it is."""
    return [at(f"[{index}]", call, value) for index, value in enumerate(values)]


def at(step: str, call: Callable[[Any], Any], value: Any) -> Any:
    """Returns the result of a call; an error tells that the value lies at ``step``."""
    try:
        return call(value)
    except Mismatch as error:
        raise error.within(step) from error.__cause__


def step_of(key: Any) -> str:
    """Returns the path from a dict to the value of a key: the key itself if it can be shown."""
    return f"[{json_text(key)}]" if type(key) in (str, int) else "[…]"


def in_order(stored: Collection[Any]) -> list[Any]:
    """Returns what a set is stored as: equal for equal sets, in whatever order Python has them."""
    return [each for _, each in sorted({encode_canonical(each): each for each in stored}.items())]
