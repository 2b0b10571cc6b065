"""What a measure is made of: cases, each of which can be played again and again."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .placement import Placement
from .subject import Kind, Promise, Subject

Figures = dict[str, float]


@dataclass(frozen=True)
class Effort:
    """How much trouble to take."""

    seconds: float = 2.0
    """How long each run of empty jobs should take."""
    scale: float = 1.0
    """By which amounts are multiplied that are not sized by time."""
    brief: bool = False
    """Leave out what is only a variation, or takes long to set up."""

    def jobs(self, rate: float) -> int:
        """How many jobs to take at that rate."""
        return max(20, int(rate * self.seconds))

    def amount(self, whole: int, least: int = 20) -> int:
        """A given amount, scaled."""
        return max(min(least, whole), int(whole * self.scale))


@dataclass(frozen=True)
class Case:
    """One row of a table, in one placement."""

    row: str
    kind: Kind
    placement: Placement
    play: Callable[[], Figures]
    promise: Promise = ""
    forks: bool = False
    compared: bool = True
    """Held against peers of its kind, if there are any."""
    limit: str = ""
    """The row that says what can be had at most."""
    once: bool = False
    """Too long to be repeated each round."""


def case(
    subject: Subject,
    placement: Placement,
    play: Callable[[], Figures],
    limit: str,
    *,
    once: bool = False,
) -> Case:
    """The case of a subject."""
    return Case(
        row=subject.name,
        kind=subject.kind,
        placement=placement,
        play=play,
        promise=subject.promise,
        forks=subject.forks,
        compared=subject.compared,
        limit=limit,
        once=once,
    )


@dataclass(frozen=True)
class Column:
    """A figure of the cases, as a table shows it."""

    figure: str
    head: str


@dataclass(frozen=True)
class Measure:
    """One table. The first column leads: it is shown for each placement, and compared."""

    name: str
    title: str
    text: str
    columns: Sequence[Column]
    cases: Callable[[Effort, Sequence[Subject], Sequence[Placement]], Iterable[Case]]
    more_is_better: bool = True
    ranked: bool = True
    """The best rows first; else as the cases come."""
    quick: bool = False
    """Part of the quick run, too."""
