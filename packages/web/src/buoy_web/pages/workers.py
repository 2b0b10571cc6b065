"""All workers, what each of them runs since when, and commands for them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from buoy import App
from buoy.plugins.operators import (
    Place,
    read_whole_workers,
    read_workers,
    send_command,
    together,
)
from buoy.plugins.redis import JobView, RedisSteps, WorkerView, steps_of

from ..cursors import decoded
from ..page import Action, NotFound, Page, Values, Visit
from ..readings import monitor_of, read_kept

SAID = {
    "quiet": "takes no more jobs after its next heartbeat",
    "resume": "takes jobs again after its next heartbeat",
    "stop": "ends after its jobs in flight",
}
"""Command -> what the worker does then."""
SHOWN = 10
FURTHEST = 10**6
STATES: dict[str, Callable[[WorkerView], bool]] = {
    "busy": lambda worker: not worker.gone and worker.busy > 0,
    "idle": lambda worker: not worker.gone and worker.busy == 0,
    "paused": lambda worker: not worker.gone and worker.state == "paused",
    "gone": lambda worker: worker.gone,
}
ORDERS: dict[str, Callable[[WorkerView], tuple[float, ...]]] = {
    "name": lambda worker: (),
    "busy": lambda worker: (-worker.busy,),
    "memory": lambda worker: (-worker.memory,),
    "age": lambda worker: (worker.started_at,),
}
"""What workers may be sorted by, after those that are gone."""
NEEDED = {"memory": ["memory"], "age": ["started_at"]}
"""Fields of registrations that an order needs."""


@dataclass(frozen=True)
class Wanted:
    """Which workers are shown, and in which order. An empty text, or state, counts as any."""

    queue: str
    host: str
    state: str
    order: str

    @property
    def fields(self) -> list[str]:
        """The fields of registrations that tell which workers these are."""
        return ["state", "slots", *(["queues"] if self.queue else []), *NEEDED.get(self.order, ())]

    def matches(self, worker: WorkerView) -> bool:
        """Whether a worker serves the queue, and has the text of the host in its id, which begins
        with its host."""
        return (not self.queue or worker.serves(self.queue)) and (
            self.host.lower() in worker.id.lower()
        )


@dataclass(frozen=True)
class Found:
    """The workers that are wanted, in their order, and how many of them there are in each state.
    ``places``: where jobs are, by their ids."""

    workers: list[WorkerView]
    counts: dict[str, int]
    places: dict[str, Place]


def show(visit: Visit) -> Values:
    wanted, start = wanted_by(visit), visit.number("start", 0, FURTHEST)
    steps = read_page(visit.app, wanted, start)
    found, workers, running, paused_since = visit.app.run_steps(steps)
    jobs = [job for some in running.values() for job in some]
    return {
        "workers": workers,
        "running": running,
        "columns": visit.filled_columns(jobs),
        "counts": found.counts,
        "queue": wanted.queue,
        "host": wanted.host,
        "state": wanted.state,
        "sort": wanted.order,
        "sorts": [*ORDERS],
        "total": len(found.workers),
        "start": start,
        "shown": SHOWN,
        "paused_since": paused_since,
    }


def wanted_by(visit: Visit) -> Wanted:
    queue, host, state = visit.get("queue").strip(), visit.get("host").strip(), visit.get("state")
    order = visit.get("sort") if visit.get("sort") in ORDERS else "name"
    return Wanted(queue, host, state if state in STATES else "", order)


Shown = tuple[Found, list[WorkerView], dict[str, list[JobView]], float | None]


def read_page(app: App, wanted: Wanted, start: int) -> RedisSteps[Shown]:
    """Returns the workers that are wanted, all that is known of those of a page, their jobs, and
    since when everything is paused; takes four round trips."""
    found = yield from read_kept(app, "workers", lambda: read_wanted(app, wanted), repr(wanted))
    shown = found.workers[start : start + SHOWN]
    (workers, running), paused_since = yield from together(
        read_shown(app, shown, found.places), steps_of(app.monitor.paused_since)
    )
    return found, workers, running, paused_since


def read_wanted(app: App, wanted: Wanted) -> RedisSteps[Found]:
    """Returns the workers that are wanted; takes three round trips."""
    queues = yield from app.monitor.read_queue_names()
    everyone, places = yield from read_workers(app.monitor, queues, wanted.fields)
    found = [each for each in everyone if wanted.matches(each)]
    counts = {name: sum(map(matches, found)) for name, matches in STATES.items()}
    if wanted.state:
        found = [each for each in found if STATES[wanted.state](each)]
    found.sort(key=lambda each: (not each.gone, *ORDERS[wanted.order](each), each.id))
    return Found(found, counts, {decoded(place.id): place for place in places})


def read_shown(
    app: App, workers: Sequence[WorkerView], places: Mapping[str, Place]
) -> RedisSteps[tuple[list[WorkerView], dict[str, list[JobView]]]]:
    """Returns all that is known of some workers, and their jobs in flight by worker, of each the
    one first that runs for longest; takes one round trip."""
    shown = [places[id] for each in workers for id in each.running]
    views, jobs = yield from together(
        read_whole_workers(app.monitor, workers), monitor_of(app).read_views(shown)
    )
    found: dict[str, list[JobView]] = {}
    for job in sorted(jobs, key=lambda job: job.since or 0):
        found.setdefault(job.worker, []).append(job)
    return views, found


def sender(command: str) -> Callable[[Visit], str]:
    """Returns what sends this command to the worker in the path."""

    def send(visit: Visit) -> str:
        id = visit.get("id")
        if not send_command(visit.app, command, [id])[id]:  # type: ignore[arg-type]
            raise NotFound(f"There is no worker {id}; it has ended.")
        if command == "resume" and visit.app.monitor.paused_since() is not None:
            return f"{id} {SAID[command]}, and after buoy resume: everything is paused."
        return f"{id} {SAID[command]}."

    return send


PARTS: list[Page | Action] = [
    Page("workers", show, "buoy_web/workers.html", "Running", 20),
    *(Action(f"workers/{{id:path}}/{command}", sender(command)) for command in SAID),
]
