"""One reading of Redis for all who ask for a page at about the same time."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import replace
from threading import Lock
from time import monotonic

from .access import Person
from .page import Page, Values, Visit

SECONDS = 1.0
"""For so long the values of a page serve others who ask for it."""
MOST = 200
"""How many pages are kept."""
NOBODY = Person("viewer")
"""Who sees values that are shared: they cannot depend on a person, so all may see them."""


class Reading:
    """The values of a page: read, or being read. ``began``: by the monotonic clock."""

    def __init__(self) -> None:
        self.began = monotonic()
        self.values: Future[Values] = Future()

    def serves(self) -> bool:
        """Whether others may have these values."""
        return not self.values.done() or monotonic() - self.began < SECONDS


class Shared:
    """The values of pages, which requests share. Any thread may use it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.readings: dict[Hashable, Reading] = {}

    def values(self, page: Page, visit: Visit, *, fresh: bool = False) -> Values:
        """Returns the values of a page; raises what ``page.show`` raises. With ``fresh`` they are
        read now."""
        seen = visit if page.personal else replace(visit, person=NOBODY)
        key = (visit.app, page.path, seen.person, in_order(visit.path), in_order(visit.query))
        return self.get(key, lambda: page.show(seen), fresh=fresh)

    def get(self, key: Hashable, read: Callable[[], Values], *, fresh: bool) -> Values:
        """Returns what ``read`` returns, or has returned to another thread."""
        with self.lock:
            found = self.readings.get(key)
            if found is not None and found.serves() and not fresh:
                mine = None
            else:
                self.drop_old()
                found = mine = self.readings[key] = Reading()
        if mine is not None:
            try:
                mine.values.set_result(read())
            except BaseException as error:  # noqa: BLE001 - it is raised below
                self.drop(key, mine)
                mine.values.set_exception(error)
        return found.values.result()

    def forget(self) -> None:
        """Let all who ask from now on read anew: something has changed."""
        with self.lock:
            self.readings.clear()

    def drop(self, key: Hashable, reading: Reading) -> None:
        with self.lock:
            if self.readings.get(key) is reading:
                del self.readings[key]

    def drop_old(self) -> None:
        if len(self.readings) >= MOST:
            self.readings = {key: each for key, each in self.readings.items() if each.serves()}


def in_order(values: object) -> Hashable:
    """Returns names and values of a path or a query in a form that can be compared."""
    return repr(sorted(dict(values).items()))  # type: ignore[call-overload]  # a mapping
