"""The parts of the dashboard: those of this package, and those of installed packages (entry points
``buoy.pages``)."""

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from jinja2 import PackageLoader

from buoy.plugins import Log, expect

from .card import Card, Column
from .page import Action, Page
from .pages import audit, classes, delayed, doctor, failed, job, jobs, overview, queues, workers

OWN = (overview, jobs, delayed, failed, workers, classes, doctor, audit, queues, job)
KINDS = "Page, Action, Card or Column"
Part = Page | Action | Card | Column
logger = Log("buoy.web")


@dataclass(frozen=True)
class Parts:
    """What a dashboard is made of; pages, cards and columns in their order."""

    pages: list[Page]
    actions: list[Action]
    cards: list[Card]
    columns: list[Column]

    @property
    def templates(self) -> list[str]:
        """The templates of pages and cards."""
        pages = [page.template for page in self.pages]
        return pages + [card.template for card in self.cards if card.template]


def installed_parts() -> Parts:
    """Returns all parts. A package whose parts cannot be loaded is logged and left out."""
    parts: list[Part] = [part for module in OWN for part in module.PARTS]
    for point in sorted(entry_points(group="buoy.pages"), key=lambda point: point.name):
        try:
            parts += checked_parts(point)
        except Exception:
            logger.exception("the pages of %s cannot be loaded", point.value)
    return Parts(
        sorted((each for each in parts if isinstance(each, Page)), key=lambda part: part.order),
        [each for each in parts if isinstance(each, Action)],
        sorted((each for each in parts if isinstance(each, Card)), key=lambda part: part.order),
        sorted((each for each in parts if isinstance(each, Column)), key=lambda part: part.order),
    )


def checked_parts(point: EntryPoint) -> list[Part]:
    """Returns the parts of a package. Raises whatever shows that they cannot work."""
    parts = point.load()
    expect(isinstance(parts, list | tuple), point.value, f"a list of {KINDS}", parts)
    for part in parts:
        expect(isinstance(part, Part), point.value, f"a {KINDS}", part)
        if isinstance(part, Page | Action):
            right = not part.path.startswith("/")
            expect(right, point.value, "a path without a slash in front", part.path)
        if isinstance(part, Page | Card) and part.template:
            PackageLoader(part.template.partition("/")[0])
    return list(parts)
