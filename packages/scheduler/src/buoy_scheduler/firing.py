"""From an entry's tick to a job in its queue."""

import json
from dataclasses import dataclass

from buoy import App, BuoyError, Handle, Job
from buoy.plugins import build_job, checked_queue, job_classes

from .cron import printable
from .entry import Entry, EntryError, expect
from .store import tick_field


@dataclass(frozen=True)
class Target:
    """What an entry enqueues: a job class if the app has it, else a name alone."""

    job: type[Job] | None
    queue: str

    @property
    def app(self) -> App:
        """The app whose queue it is."""
        return Job.app if self.job is None else self.job.app

    @property
    def together(self) -> tuple[App, str, int | None]:
        """Jobs that agree in this are enqueued together."""
        return self.app, self.queue, self.job.max_length if self.job else None


def target_of(entry: Entry) -> Target:
    """Where an entry leads, by the classes that the app has imported; raises EntryError.

    This is the judgement of all: what it refuses daemons leave out, and ``check`` calls wrong.
    """
    try:
        target = aimed(entry, job_classes.get(entry.job))
        most = target.app.settings.max_payload
        expect(len(entry.args) < most, "args", f"less than {most} bytes", len(entry.args))
        return target
    except BuoyError as error:
        raise EntryError(entry.name, error) from None
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise EntryError(entry.name, f"class: cannot be asked: {printable(reason):.200}") from error


def aimed(entry: Entry, job: type[Job] | None) -> Target:
    if job is not None:
        build_job(job, json.loads(entry.args))
        return Target(job, checked_queue(entry.queue or job.queue))
    expect(
        entry.queue is not None,
        "class",
        "a job class of the app, or a queue for one that it does not know",
        entry.job,
    )
    return Target(None, checked_queue(entry.queue))


def job_of(entry: Entry, target: Target, tick: int | None = None) -> Job:
    """A job to be enqueued, for one tick at most once; without a tick, just so."""
    return build_job(
        target.job or entry.job,
        json.loads(entry.args),
        queue=target.queue,
        newer=None if tick is None else (tick_field(entry.name), tick),
        claim=None if entry.overlap else tick_field(entry.name),
    )


def run_now(entry: Entry) -> Handle[None]:
    """Enqueue the job of an entry out of turn; its ticks are not touched."""
    target = target_of(entry)
    return target.app.submit(job_of(entry, target))


def was_fired(handle: Handle[object]) -> bool:
    """Whether the tick had been enqueued before, by another daemon or by an earlier try."""
    return handle.code == "not_newer"
