"""The page Schedule of the dashboard. Only buoy-web imports this file, and ``entry_form``."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

from buoy_web import Action, Card, NotFound, Page, Visit

from . import entry_form
from .entry import Entry
from .plain_language import describe_times
from .runs import EntryRun
from .store import Store
from .targets import run_now, shown_args
from .visible import VisibleSchedule, configured_schedule, format_local, queue_of

NEXT = 3
"""How many next runs of an entry are shown."""


@dataclass(frozen=True)
class Row:
    """An entry as the page shows it.

    ``source``: class, file or run time; ``state``: active, paused, off or left out; ``error``: why
    it is left out. ``next``: its next runs by the clock of its zone; ``next_at``: these runs;
    ``last_at``: the last tick that was enqueued (epoch seconds, or None); ``runs``: its last jobs,
    the newest first.
    """

    name: str
    when: str
    description: str
    job: str
    queue: str | None
    args: str
    source: str
    state: str
    error: str
    next: list[str]
    next_at: list[int]
    last_at: int | None
    runs: list[EntryRun]


def show(visit: Visit) -> dict[str, Any]:
    visible = configured_schedule(visit.app, only=bool(visit.app_name))
    entries = sorted(visible.schedule.entries.items())
    return {
        "entries": [row(visible, entry) for _, entry in entries],
        "errors": [str(error) for error in visible.schedule.errors],
        "ahead": visible.ahead(),
        "paused_elsewhere": visible.paused_elsewhere(),
        "polled_at": visible.runtime.polled_at,
        "silent": visible.is_silent,
    }


def row(visible: VisibleSchedule, entry: Entry) -> Row:
    state = visible.state_of(entry)
    ticks = list(islice(visible.ticks(entry), NEXT)) if state == "active" else []
    return Row(
        name=entry.name,
        when=describe_times(entry),
        description=entry.description,
        job=entry.job,
        queue=queue_of(entry),
        args=shown_args(entry),
        source=visible.schedule.sources[entry.name],
        state=state,
        error=str(visible.error_of(entry) or ""),
        next=[format_local(entry, tick) for tick in ticks],
        next_at=ticks,
        last_at=visible.last_ticks.get(entry.name),
        runs=visible.runs.get(entry.name, []),
    )


def entry_of(visit: Visit) -> Entry:
    """Returns the entry that a form names. Raises NotFound when there is none."""
    name = visit.get("name")
    try:
        return configured_schedule(visit.app, only=bool(visit.app_name)).schedule.entries[name]
    except KeyError:
        raise NotFound(f"The schedule has no entry {name} (any more).") from None


def run(visit: Visit) -> str:
    entry = entry_of(visit)
    handle = run_now(entry)
    if handle.state in ("queued", "blocked", "delayed"):
        return f"{entry.name}: job {handle.id} is {handle.state} in {handle.queue}."
    return f"{entry.name}: nothing was enqueued: {handle.reason}."


def pause(visit: Visit) -> str:
    name = entry_of(visit).name
    changed = Store(visit.app).pause(name)
    return f"{name} is paused: it does not fire." if changed else f"{name} was paused already."


def resume(visit: Visit) -> str:
    """Resume an entry, or a name that is paused and in no schedule here."""
    name = visit.get("name")
    changed = Store(visit.app).pause(name, resume=True)
    return f"{name} is resumed." if changed else f"{name} was not paused."


PARTS: list[Page | Action | Card] = [
    Page("schedule", show, "buoy_scheduler/schedule.html", "Schedule", 34),
    Page(entry_form.PATH, entry_form.show, "buoy_scheduler/schedule_entry.html"),
    Action("schedule/run", run),
    Action("schedule/pause", pause),
    Action("schedule/resume", resume),
    Action("schedule/set", entry_form.set_entry, "admin"),
    Action("schedule/remove", entry_form.remove, "admin"),
    Card("scheduler", "Schedule", "buoy_scheduler/origin.html", order=40),
]
