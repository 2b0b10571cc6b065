"""What packages add to pages of others: cards on the page of a job, and columns in lists of jobs.

Both show what a package knows of jobs; see the README.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from buoy import App, BrokerError
from buoy.plugins import Log
from buoy.plugins.redis import JobView

logger = Log("buoy.web")
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Event:
    """Something that happened to a job, or will. ``at``: epoch seconds; None if it is not known.

    ``kind``: queued, blocked, delayed, running, failed or ended. ``text``: more about it.
    """

    at: float | None
    kind: str
    title: str
    text: str = ""


Events = Callable[[Facts, JobView | None], Iterable[Event]]


def no_events(facts: Facts, job: JobView | None) -> Iterable[Event]:
    return ()


@dataclass(frozen=True)
class Card:
    """How the page of a job shows the facts that a package knows of it.

    ``name``: under which the package keeps them with the job (``job.plugin_data``), and tells them
    (entry point ``buoy.job_facts``). ``title``: above them. ``template``: a part of a page,
    ``PACKAGE/NAME.html``, which gets ``facts``, ``id`` and ``job`` (a JobView, or None); "" for a
    list of all facts, None to show none. ``events``: what they add to the timeline. ``order``:
    where the card stands.

    Other programs may have written what lies with a job: facts may be of any form.
    """

    name: str
    title: str = ""
    template: str | None = ""
    events: Events = field(default=no_events, repr=False)
    order: int = 50


@dataclass(frozen=True)
class Column:
    """A column of lists of jobs. ``cells`` returns texts by the ids of jobs; it is called once for
    all jobs of a list. The column is there if one of them has a text. ``order``: where it stands.
    """

    title: str
    cells: Callable[[App, Sequence[JobView]], Mapping[str, str]]
    order: int = 50


@dataclass(frozen=True)
class FilledColumn:
    """A column with its texts, by the ids of jobs."""

    title: str
    cells: Mapping[str, str]


@dataclass(frozen=True)
class ShownCard:
    """A card with the facts of one job."""

    card: Card
    facts: Any


def fill_columns(
    app: App, columns: Sequence[Column], jobs: Sequence[JobView]
) -> list[FilledColumn]:
    """Returns the columns that say something of these jobs. Raises BrokerError.

    One that fails in another way is logged, and left out.
    """
    found = []
    for column in columns if jobs else ():
        try:
            cells = dict(column.cells(app, jobs))
        except BrokerError:
            raise
        except Exception:
            logger.exception("the column %s cannot be filled", column.title)
        else:
            found += [FilledColumn(column.title, cells)] if any(cells.values()) else []
    return found


def shown_cards(cards: Sequence[Card], facts: Mapping[str, Any]) -> list[ShownCard]:
    """Returns the cards for the facts of a job, by their order; facts without a card of their own
    are a list, and so are those of a package that cannot tell."""
    by_name = {card.name: card for card in cards}
    shown = []
    for name, known in facts.items():
        card = by_name.get(name, Card(name))
        if not isinstance(known, Mapping) or "broken" in known:
            card = Card(name, card.title, order=card.order)
        if card.template is not None:
            shown.append(ShownCard(card, known))
    return sorted(shown, key=lambda each: each.card.order)


def events_by_card(
    cards: Sequence[Card], facts: Mapping[str, Any], job: JobView | None
) -> list[list[Event]]:
    """Returns what the facts of a job add to its timeline, by card. A card that fails is logged."""
    found = []
    for card in cards:
        known = facts.get(card.name)
        try:
            found.append(list(card.events(known, job)) if isinstance(known, Mapping) else [])
        except Exception:
            logger.exception("the events of the card %s cannot be shown", card.name)
    return found
