"""A worker's list of queues: names, globs and negations, in order of priority."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..model.checks import expect
from ..model.names import checked_queue

WILD = set("*?[")


@dataclass(frozen=True, slots=True)
class QueueList:
    """As in ``-q purchasing,mail*,!mail_bulk``: the first is served first; or with weights, as in
    ``-q mail:5,admin:1``: each gets its share of the jobs, as long as it has any."""

    patterns: tuple[str, ...]
    excluded: tuple[str, ...]
    weights: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "QueueList":
        """The list that the text names."""
        words = [word.strip() for word in text.split(",") if word.strip()]
        named = [word.partition(":") for word in words if not word.startswith("!")]
        patterns = tuple(pattern for pattern, _, _ in named)
        excluded = tuple(word[1:] for word in words if word.startswith("!"))
        expect(bool(patterns), "-q", "at least one queue that is not excluded by !", text)
        for word in excluded:
            expect(":" not in word, "-q", "no weight behind an excluded queue", "!" + word)
        for pattern in patterns:
            if not WILD & set(pattern):
                checked_queue(pattern)
        if not any(colon for _, colon, _ in named):
            return cls(patterns, excluded)
        for pattern, colon, weight in named:
            right = not colon or (weight.isascii() and weight.isdigit() and int(weight) > 0)
            expect(right, "-q", f"a weight of 1 or more behind {pattern}:", weight)
        return cls(patterns, excluded, tuple(int(weight or 1) for _, _, weight in named))

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

    def weigh(self, queues: Iterable[str]) -> dict[str, int]:
        """The weights of these queues, each by the first pattern that it fits; none without."""
        pairs = list(zip(self.patterns, self.weights, strict=False))
        return {
            queue: next(weight for pattern, weight in pairs if fnmatchcase(queue, pattern))
            for queue in (queues if pairs else ())
        }

    def __str__(self) -> str:
        weights = [f":{weight}" for weight in self.weights] or [""] * len(self.patterns)
        named = [pattern + weight for pattern, weight in zip(self.patterns, weights, strict=True)]
        return ",".join([*named, *("!" + name for name in self.excluded)])
