"""What a page and an action of the dashboard are. Packages of plugins add theirs by these values.

A package names a list of them as an entry point of the group ``buoy.pages``; see the README.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from buoy import App, ConfigurationError
from buoy.plugins import expect
from buoy.plugins.operators import PageMonitor
from buoy.plugins.redis import JobView

from .access import ROLES, Person, Role
from .card import Card, Column, FilledColumn, fill_columns
from .readings import monitor_of
from .search import Search, parse_search


class NotFound(LookupError):
    """There is nothing under this address; the message says what was looked for."""


class InvalidForm(ConfigurationError):
    """Raised by an action: what was typed into a form is not valid; the message says why.

    The page with the path ``page`` is shown again. It finds what was typed in ``Visit.get``, and
    the message under the name ``problem``, which no address can set.
    """

    def __init__(self, page: str, reason: object) -> None:
        super().__init__(str(reason))
        self.page = page


@dataclass(frozen=True)
class Visit:
    """One request: of whom, for which app, and with which values.

    ``path``: the values in the path; ``query``: those behind ``?``; ``form``: those of a form.
    ``app_name``: the name of the app in a dashboard of several; else empty.
    ``cards``, ``columns``: what packages add to the pages of this dashboard.
    """

    app: App
    person: Person
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    form: Mapping[str, Sequence[str]] = field(default_factory=dict)
    app_name: str = ""
    cards: Sequence[Card] = field(default=(), repr=False)
    columns: Sequence[Column] = field(default=(), repr=False)

    @property
    def monitor(self) -> PageMonitor:
        """What reads jobs for pages: it parses those that stay as they are once."""
        return monitor_of(self.app)

    def get(self, name: str, default: str = "") -> str:
        """Returns the last value of this name in path, form or query."""
        if name in self.path:
            return self.path[name]
        values = self.form.get(name) or self.query.get(name) or [default]
        return values[-1]

    def number(self, name: str, default: int, most: int) -> int:
        """Returns a whole number from 0 to ``most``; the default for any other text."""
        text = self.get(name)
        return min(int(text), most) if text.isdecimal() and len(text) < 10 else default

    def search(self) -> Search:
        """Returns the filter of the page, ``q``. Raises ConfigurationError for a wrong one."""
        return parse_search(self.get("q"))

    def filled_columns(self, jobs: Sequence[JobView]) -> list[FilledColumn]:
        """Returns the columns that packages add to a list of these jobs. Raises BrokerError."""
        return fill_columns(self.app, self.columns, jobs)


Values = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """A page: shown as HTML by its template, and as JSON under ``api/``.

    ``path``: without a slash in front, as in ``queues/{queue}``. ``show`` returns the values of the
    template. ``template``: ``PACKAGE/NAME.html``, in the folder ``templates`` of that package.
    ``title``: its name in the navigation; empty if it is not there. ``order``: where it stands.

    All who ask for a page within a second share its values. ``personal``: they depend on
    ``visit.person``, so only that person has them; for other pages that is a viewer without a name.
    """

    path: str
    show: Callable[[Visit], Values]
    template: str
    title: str = ""
    order: int = 50
    personal: bool = False


@dataclass(frozen=True)
class Changed:
    """What an action has done, as a sentence. ``undo``: the path of an action that undoes it."""

    said: str
    undo: str = ""


@dataclass(frozen=True)
class Action:
    """A change that a form of a page makes. ``act`` returns a sentence that tells what was done.

    ``role``: who may do it. Raises ConfigurationError for another word.
    """

    path: str
    act: Callable[[Visit], str | Changed]
    role: Role = "operator"

    def __post_init__(self) -> None:
        expect(self.role in ROLES, f"Action({self.path!r}): role", " or ".join(ROLES), self.role)


def kept_back(places: Mapping[str, int]) -> str:
    """Returns a sentence for the jobs that were to run now, and are kept back; "" if none is.
    ``places``: where the jobs are -> how many."""
    why = {"blocked": "by a limit", "delayed": "by a rate"}
    found = {place: places[place] for place in why if places.get(place)}
    return "".join(f" {jobs_are(n)} {place} {why[place]}." for place, n in found.items())


def jobs_are(count: int) -> str:
    """Returns the beginning of a sentence about this number of jobs: "1 job is", "2 jobs are"."""
    return "1 job is" if count == 1 else f"{count} jobs are"
