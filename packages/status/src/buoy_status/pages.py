"""What this package adds to the dashboard: results and progress. Only buoy-web imports it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from buoy import App
from buoy.plugins.redis import JobView
from buoy_web import Card, Column, Event

from . import store
from .state import Progress, parse_progress


def ends(facts: Mapping[str, Any], job: JobView | None) -> Iterator[Event]:
    """Returns the end of a job that no queue has any more."""
    state, ended_at = facts.get("state"), facts.get("ended_at")
    if job is None and state and ended_at:
        at = datetime.fromisoformat(ended_at).timestamp()
        yield Event(at, "ended", state.capitalize(), f"attempt {facts.get('attempt', 1)}")


def progress_cells(app: App, jobs: Sequence[JobView]) -> dict[str, str]:
    """Returns how far the running jobs are. Takes one round trip, and none if no job runs."""
    running = [job for job in jobs if job.state == "running"]
    texts = app.run_steps(store.progress_texts(app, running)) if running else []
    found = zip(running, texts, strict=True)
    known = {job.id: parse_progress(text, job.token) for job, text in found if text}
    return {id: short_progress(progress) for id, progress in known.items() if progress}


def short_progress(progress: Progress) -> str:
    """Returns progress as a cell has it: ``42 %``, or ``120`` if nobody knows of how many."""
    fraction = progress.fraction
    return f"{progress.done:g}" if fraction is None else f"{fraction:.0%}".replace("%", " %")


PARTS: list[Card | Column] = [
    Card("status", "Status", "buoy_status/status.html", events=ends, order=20),
    Column("Progress", progress_cells, order=20),
]
