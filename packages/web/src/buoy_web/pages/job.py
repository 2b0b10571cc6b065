"""One job, wherever it is: what happened to it, its arguments, its error, what plugins know of it;
and what can be done with it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from buoy.plugins.operators import facts_of, known_job

from ..card import Event, events_by_card, shown_cards
from ..page import Action, NotFound, Page, Values, Visit, kept_back
from ..timeline import timeline_of

ENDS = ("done", "failed", "rejected", "cancelled")


def show(visit: Visit) -> Values:
    known = known_job(visit.app.monitor, visit.get("id"))
    facts = facts_of(visit.app, known)
    events = timeline_of(known, events_by_card(visit.cards, facts, known.job))
    if not events and not facts:
        raise NotFound(f"No queue has a job {known.id}. It has ended, or its id is misspelt.")
    job = known.job
    return {
        "id": known.id,
        "job": job,
        "name": job.name if job else name_in(facts),
        "state": job.state if job else ended_as(events),
        "failure": job.failure if job else {},
        "death": death_of(job.failure) if job else {},
        "events": events,
        "facts": facts,
        "cards": shown_cards(visit.cards, facts),
        "live": job is not None and job.state != "failed",
    }


def name_in(facts: Mapping[str, Any]) -> str | None:
    """Returns the class of a job that has ended, as a package knows it."""
    found = (known.get("class") for known in facts.values() if isinstance(known, Mapping))
    return next((name for name in found if isinstance(name, str) and name), None)


def ended_as(events: Sequence[Event]) -> str:
    """Returns in which state a job has ended, as far as that is known."""
    titles = [event.title.lower() for event in events if event.kind == "ended"]
    return titles[-1] if titles and titles[-1] in ENDS else "ended"


def death_of(failure: Mapping[str, Any]) -> dict[str, Any]:
    """Returns how the last run of a failed job has ended: what is known of cause, time, memory."""
    found = {name: failure.get(name) for name in ("cause", "also", "worker")}
    death: dict[str, Any] = {name: value for name, value in found.items() if value}
    for name in ("seconds", "peak_memory"):
        value = failure.get(name)
        if type(value) in (int, float) and value:
            death[name] = value
    return death


def cancel(visit: Visit) -> str:
    id = visit.get("id")
    state = visit.app.cancel(id)
    if state is None:
        raise NotFound(f"No queue has a queued, delayed or running job {id}.")
    return f"{id} is cancelled; it was {state}."


def run_now(visit: Visit) -> str:
    id = visit.get("id")
    job = visit.app.find(id)
    places = visit.app.control.reschedule(job.queue, [id], None) if job is not None else {}
    if id not in places:
        raise NotFound(f"No queue has a delayed job {id}.")
    return f"{id} is due now.{kept_back(Counter(places.values()))}"


PARTS: list[Page | Action] = [
    Page("jobs/{id:path}", show, "buoy_web/job.html"),
    Action("jobs/{id:path}/cancel", cancel),
    Action("jobs/{id:path}/run-now", run_now),
]
