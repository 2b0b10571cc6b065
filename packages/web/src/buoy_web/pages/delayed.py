"""The delayed jobs, the next due first: those that wait for their first run, or for a retry."""

from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from buoy import ConfigurationError
from buoy.plugins.operators import TimedPage

from ..cursors import cursor_of, place_in
from ..delayed import SHOWN, delayed_counts, last_attempt, matching, read_delayed
from ..page import Action, Page, Values, Visit, jobs_are, kept_back
from ..search import Search, seconds_of


def show(visit: Visit) -> Values:
    search, after = search_of(visit), visit.get("after")
    page = visit.app.run_steps(read_delayed(visit.app, search, place_in(after)))
    jobs = page.views[:SHOWN]
    further = jobs[-1] if len(page.views) > SHOWN else page.last
    return {
        "search": search,
        "jobs": jobs,
        "errors": {job.id: last for job in jobs if (last := last_attempt(job))},
        "total": total_of(page, search, after),
        "delayed": page.total,
        "looked": page.looked,
        "after": after,
        "next": cursor_of(further),
        "missed": sorted(page.missed),
    }


def search_of(visit: Visit) -> Search:
    return visit.search().within("delayed")


def total_of(page: TimedPage, search: Search, after: str) -> int | None:
    """Returns how many delayed jobs match in all; None if not all of them were looked at."""
    if not search.reads_delayed:
        return page.total
    return len(page.views) if page.last is None and not after else None


def chosen(visit: Visit) -> dict[str, list[str]]:
    """Returns the jobs that a form means, by queue: all that match its filter, or those named.

    Jobs that are named are looked for in each queue; those that are elsewhere by now are skipped.
    """
    search = search_of(visit)
    if visit.get("all") != "yes":
        ids = list(dict.fromkeys(visit.form.get("id", ())))
        return dict.fromkeys(delayed_counts(visit.app, search), ids) if ids else {}
    found: dict[str, list[str]] = {}
    for view in matching(visit.app, search, delayed_counts(visit.app, search)):
        found.setdefault(view.queue, []).append(view.id)
    return found


def change(visit: Visit, act: Callable[[str, list[str]], Collection[str]]) -> str:
    """Do it to the jobs of a form; returns how many were still delayed, as words."""
    return jobs_are(sum(len(act(queue, ids)) for queue, ids in chosen(visit).items()))


def run_now(visit: Visit) -> str:
    places: Counter[str] = Counter()
    for queue, ids in chosen(visit).items():
        places.update(visit.app.control.reschedule(queue, ids, None).values())
    return f"{jobs_are(places.total())} due now.{kept_back(places)}"


def move(visit: Visit) -> str:
    at = time_of(visit.get("to").strip(), visit.app.clock_shift / 1000)
    said = change(visit, lambda queue, ids: visit.app.reschedule(ids, at, queue))
    return f"{said} due at {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC."


def cancel(visit: Visit) -> str:
    said = change(visit, lambda queue, ids: visit.app.control.remove(queue, ids, "delayed"))
    return f"{said} cancelled."


def time_of(text: str, shift: float = 0.0) -> float:
    """Returns the epoch seconds of a time, or of a duration from now. Raises ConfigurationError."""
    try:
        return moment_of(text, shift).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise ConfigurationError(
            f"time: expected one like 2h (from now) or 2026-01-31T08:00 (UTC), got {text!r:.80}"
        ) from None


def moment_of(text: str, shift: float) -> datetime:
    """Returns what ``time_of`` does. Raises ValueError, and OverflowError for a time after 9999."""
    try:
        seconds = seconds_of(text)
    except ConfigurationError:
        time = datetime.fromisoformat(text)
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    return datetime.now(UTC) + timedelta(seconds=seconds + shift)


PARTS: list[Page | Action] = [
    Page("delayed", show, "buoy_web/delayed.html", "Delayed", 15),
    Action("delayed/run-now", run_now),
    Action("delayed/move", move),
    Action("delayed/cancel", cancel),
]
