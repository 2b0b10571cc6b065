"""All jobs, in every state, filtered by one line of text."""

import re
from collections.abc import Collection, Sequence

from buoy import App
from buoy.plugins.operators import (
    Position,
    QueueSizes,
    Walked,
    read_state_sizes,
    read_walk,
    together,
)
from buoy.plugins.redis import JobView, RedisSteps

from ..cursors import cursor_of, position_in
from ..page import Action, Page, Values, Visit
from ..queue_rows import STATES
from ..readings import monitor_of, read_kept
from ..search import LOOK, Search

SHOWN = 20
ID = re.compile(r"\S{8,200}")
"""What may be an id of a job: most are 24 characters, and apps may choose their own."""


def show(visit: Visit) -> Values:
    search, after = visit.search().within(*STATES, error=False), visit.get("after")
    steps = read_page(visit.app, search, position_in(after))
    job, found, sizes, missed = visit.app.run_steps(steps)
    jobs = [job] if job else found.views
    counts = counts_of(sizes, search)
    reads_payloads = job is None and search.job_filter(search.state).reads_payloads
    total: int | None = 1 if job else sum(counts.values())
    if reads_payloads:
        total = len(jobs) if found.next is None and not after else None
    return {
        "search": search,
        "states": STATES,
        "jobs": jobs,
        "columns": visit.filled_columns(jobs),
        "id": search.text if ID.fullmatch(search.text) and not jobs else "",
        "counts": {} if job or reads_payloads else counts,
        "total": total,
        "jobs_in_all": sum(counts.values()),
        "looked": found.looked if reads_payloads else None,
        "after": after,
        "next": "" if job else cursor_of(found.next),
        "missed": sorted(missed),
    }


def read_page(
    app: App, search: Search, start: Position | None
) -> RedisSteps[tuple[JobView | None, Walked, list[QueueSizes], Collection[str]]]:
    """Returns the job whose id the search is, the jobs that match it, and what the queues hold;
    takes four round trips."""
    monitor, wanted = app.monitor, search.job_filter(search.state)
    sizes, missed = yield from read_sizes(app, search.queue)
    walking = read_walk(monitor_of(app), sizes, wanted, SHOWN, LOOK, start)
    ids = [*(each.name for each in sizes), *missed] if ID.fullmatch(search.text) else []
    (job, _), walked = yield from together(monitor.read_job(search.text, ids), walking)
    return job, walked, sizes, missed


def read_sizes(app: App, queue: str | None) -> RedisSteps[tuple[list[QueueSizes], Collection[str]]]:
    """Returns how many jobs a queue has in each state, or all of them have; and the names of queues
    on nodes that are away."""
    if queue is not None:
        return (yield from read_state_sizes(app.monitor, [queue]))

    def of_all() -> RedisSteps[tuple[list[QueueSizes], Collection[str]]]:
        names = yield from app.monitor.read_queue_names()
        return (yield from read_state_sizes(app.monitor, names))

    return (yield from read_kept(app, "states", of_all))


def counts_of(queues: Sequence[QueueSizes], search: Search) -> dict[str, int]:
    """Returns how many jobs are in each state that the search means."""
    states = [search.state] if search.state else STATES
    return {state: sum(getattr(each, state) for each in queues) for state in states}


PARTS: list[Page | Action] = [Page("jobs", show, "buoy_web/jobs.html", "Jobs", 10)]
