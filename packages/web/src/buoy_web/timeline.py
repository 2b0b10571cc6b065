"""What has happened to a job, in its order: as far as queues and packages still know it."""

from collections.abc import Iterator, Sequence

from buoy.plugins.operators import KnownJob
from buoy.plugins.redis import JobView

from .card import Event


def timeline_of(known: KnownJob, told: Sequence[Sequence[Event]]) -> list[Event]:
    """Returns the events of a job, the first one first. ``told``: those of each card.

    Several may know how the job has ended: the first one counts.
    """
    ends = [[event for event in events if event.kind == "ended"] for events in told]
    end = next((some for some in ends if some), list(end_of(known)))
    others = [event for events in told for event in events if event.kind != "ended"]
    past = sorted([*others, *end], key=lambda event: event.at or 0.0)
    if known.job is None:
        return past
    return [enqueued(known.job), *past, *where_it_is(known.job)]


def enqueued(job: JobView) -> Event:
    return Event(job.enqueued_at or None, "queued", "Enqueued", f"in {job.queue}")


def end_of(known: KnownJob) -> Iterator[Event]:
    if known.ended_at is not None:
        yield Event(known.ended_at, "ended", "Ended", f"in {known.queues[0]}")


def where_it_is(job: JobView) -> Iterator[Event]:
    match job.state:
        case "queued":
            yield Event(None, "queued", "Queued", "waits for a worker")
        case "blocked":
            yield Event(job.at, "blocked", "Blocked", "waits for a permit")
        case "delayed":
            yield Event(job.at, "delayed", "Due", f"for attempt {job.attempt}")
        case "running":
            yield Event(
                job.since, "running", "Running", f"attempt {job.attempt}{place(job.worker)}"
            )
        case _:
            error, message = (text_of(job.failure.get(name)) for name in ("error", "message"))
            said = ": ".join(part for part in (error, message) if part)
            yield Event(job.at, "failed", "Failed", f"{said}{place(job.failure.get('worker'))}")


def place(worker: object) -> str:
    return f" · {worker}" if isinstance(worker, str) and worker else ""


def text_of(value: object) -> str:
    return value if isinstance(value, str) else ""
