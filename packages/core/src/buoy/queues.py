"""A worker's list of queues: names, globs and negations, in order of priority."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .config import expect
from .keys import checked_queue

WILD = set("*?[")


@dataclass(frozen=True, slots=True)
class QueueList:
    """As in ``-q purchasing,mail*,!mail_bulk``: the first is served first."""

    patterns: tuple[str, ...]
    excluded: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "QueueList":
        """The list that the text names."""
        words = [word.strip() for word in text.split(",") if word.strip()]
        patterns = tuple(word for word in words if not word.startswith("!"))
        excluded = tuple(word[1:] for word in words if word.startswith("!"))
        expect(bool(patterns), "-q", "at least one queue that is not excluded by !", text)
        for pattern in patterns:
            if not WILD & set(pattern):
                checked_queue(pattern)
        return cls(patterns, excluded)

    @property
    def fixed(self) -> bool:
        """Whether the list is the same whatever queues there are."""
        return not any(WILD & set(pattern) for pattern in self.patterns)

    def resolve(self, known: Iterable[str]) -> tuple[str, ...]:
        """The queues to serve, in order; those that one glob matches by name."""
        names = sorted(known)
        chosen: dict[str, None] = {}
        for pattern in self.patterns:
            wild = WILD & set(pattern)
            for name in [n for n in names if fnmatchcase(n, pattern)] if wild else [pattern]:
                if not any(fnmatchcase(name, other) for other in self.excluded):
                    chosen.setdefault(name)
        return tuple(chosen)

    def __str__(self) -> str:
        return ",".join([*self.patterns, *("!" + name for name in self.excluded)])
