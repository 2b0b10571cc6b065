"""A measure consists of cases; each case can be run repeatedly."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .placement import Placement
from .subject import Kind, Promise, Subject

Figures = dict[str, float]


@dataclass(frozen=True)
class Effort:
    """How long and how large the runs are."""

    seconds: float = 2.0
    """Seconds of each run of empty jobs."""
    scale: float = 1.0
    """Multiplies amounts of jobs that do not depend on time."""
    brief: bool = False
    """Leave out variations, and cases that take long to set up."""

    def jobs(self, rate: float) -> int:
        """Returns how many jobs to run at that rate (jobs a second)."""
        return max(20, int(rate * self.seconds))

    def amount(self, whole: int, least: int = 20) -> int:
        """Returns the scaled amount."""
        return max(min(least, whole), int(whole * self.scale))


@dataclass(frozen=True)
class Case:
    """One row of a table, in one placement."""

    row: str
    kind: Kind
    placement: Placement
    run: Callable[[], Figures]
    promise: Promise = ""
    forks: bool = False
    compared: bool = True
    """Whether it is compared with other systems of its kind."""
    limit: str = ""
    """The name of the row that is the limit of this one."""
    once: bool = False
    """Whether to run it in the first round only, because it takes long."""


def case(
    subject: Subject,
    placement: Placement,
    run: Callable[[], Figures],
    limit: str,
    *,
    once: bool = False,
) -> Case:
    """Returns the case of a subject."""
    return Case(
        row=subject.name,
        kind=subject.kind,
        placement=placement,
        run=run,
        promise=subject.promise,
        forks=subject.forks,
        compared=subject.compared,
        limit=limit,
        once=once,
    )


@dataclass(frozen=True)
class Column:
    """A figure of the cases, and its heading in the table."""

    figure: str
    head: str


@dataclass(frozen=True)
class Measure:
    """One table. Its first column is shown for each placement, and compared."""

    name: str
    title: str
    text: str
    columns: Sequence[Column]
    cases: Callable[[Effort, Sequence[Subject], Sequence[Placement]], Iterable[Case]]
    more_is_better: bool = True
    ranked: bool = True
    """Whether the best rows come first; otherwise in the order of the cases."""
    quick: bool = False
    """Whether the quick run includes it."""
