"""A worker's list of queues: names, globs and negations, in order of priority."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from ..errors import ConfigurationError
from .checks import expect
from .names import checked_queue

GLOB_CHARACTERS = set("*?[")


@dataclass(frozen=True, slots=True)
class QueueList:
    """The value of ``-q``, as in ``purchasing,mail*,!mail_bulk``: the queue that is named first is
    served first. With weights, as in ``mail:5,admin:1``, each queue that holds jobs gets its share
    of the worker. Queues that match a pattern behind ``!`` are not served."""

    patterns: tuple[str, ...]
    excluded: tuple[str, ...]
    weights: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "QueueList":
        """Read the value of ``-q``. Raises ConfigurationError if it is not valid."""
        words = [word.strip() for word in text.split(",") if word.strip()]
        parts = [word.partition(":") for word in words if not word.startswith("!")]
        patterns = tuple(pattern for pattern, _, _ in parts)
        excluded = tuple(word[1:] for word in words if word.startswith("!"))
        for word in excluded:
            expect(":" not in word, "-q", "no weight behind an excluded queue", "!" + word)
        served = [each for each in patterns if not is_excluded(each, excluded)]
        expect(bool(served), "-q", "at least one queue that is not excluded by !", text)
        for pattern in patterns:
            if not GLOB_CHARACTERS & set(pattern):
                checked_queue(pattern)
        if not any(colon for _, colon, _ in parts):
            return cls(patterns, excluded)
        for pattern, colon, weight in parts:
            valid = not colon or (weight.isascii() and weight.isdigit() and int(weight) > 0)
            expect(valid, "-q", f"a weight of 1 or more behind {pattern}:", weight)
        return cls(patterns, excluded, tuple(int(weight or 1) for _, _, weight in parts))

    @property
    def fixed(self) -> bool:
        """Whether the list has no globs, so that it names its queues whatever queues exist."""
        return not any(GLOB_CHARACTERS & set(pattern) for pattern in self.patterns)

    def resolve(self, known: Iterable[str]) -> tuple[str, ...]:
        """The queues to serve, of those that exist (``known``) and those that are named without a
        glob, in order of priority. Queues that match one glob are in order of their names."""
        if self.fixed and not self.excluded:
            return tuple(dict.fromkeys(self.patterns))
        names = [] if self.fixed else sorted(known)
        chosen: dict[str, None] = {}
        for pattern in self.patterns:
            has_glob = GLOB_CHARACTERS & set(pattern)
            for name in [n for n in names if fnmatchcase(n, pattern)] if has_glob else [pattern]:
                if not is_excluded(name, self.excluded):
                    chosen.setdefault(name)
        return tuple(chosen)

    def weights_of(self, queues: Iterable[str]) -> dict[str, int]:
        """The weight of each of these queues: that of the first pattern that it matches. Empty if
        the list has no weights."""
        pairs = list(zip(self.patterns, self.weights, strict=False))
        return {
            queue: next(weight for pattern, weight in pairs if fnmatchcase(queue, pattern))
            for queue in (queues if pairs else ())
        }

    def __str__(self) -> str:
        weights = [f":{weight}" for weight in self.weights] or [""] * len(self.patterns)
        words = [pattern + weight for pattern, weight in zip(self.patterns, weights, strict=True)]
        return ",".join([*words, *("!" + name for name in self.excluded)])


def is_excluded(pattern: str, excluded: Collection[str]) -> bool:
    """Whether nothing that the pattern matches can be served, as far as that is plain to see."""
    if not excluded:
        return False
    if GLOB_CHARACTERS & set(pattern):
        return bool({pattern, "*"} & set(excluded))
    return any(fnmatchcase(pattern, other) for other in excluded)


@lru_cache(1000)
def read_list(text: str) -> QueueList | None:
    """Returns the list of a worker by its registration, which does not change; None if it is not
    valid."""
    try:
        return QueueList.parse(text)
    except ConfigurationError:
        return None
