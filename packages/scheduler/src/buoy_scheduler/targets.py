"""Targets of entries: the class and the queue of their jobs; and how to make such a job."""

import json
from dataclasses import dataclass
from typing import Any

from buoy import App, BuoyError, Handle, Job
from buoy.plugins import (
    build_job,
    checked_queue,
    expect,
    job_classes,
    seal_text,
    shown_arguments,
)

from .cron import Crontab, printable
from .entry import Entry, EntryError
from .runs import remember
from .store import tick_field


@dataclass(frozen=True)
class Target:
    """What an entry enqueues, and where: ``job`` is the class, or None when the app does not know
    it; then the job is pushed by name."""

    job: type[Job] | None
    queue: str

    @property
    def app(self) -> App:
        """The app that has the queue."""
        return Job.app if self.job is None else self.job.app

    @property
    def group_key(self) -> tuple[App, str, int | None]:
        """Jobs whose targets have equal keys can be enqueued in one round trip."""
        return self.app, self.queue, self.job.max_length if self.job else None


def target_of(entry: Entry) -> Target:
    """Returns the target of an entry, by the classes that the app has imported. Raises EntryError.

    Daemons leave out the entries for which it raises, and ``buoy schedule check`` calls them wrong.
    """
    try:
        target = resolve_target(entry, job_classes.get(entry.job))
        limit = target.app.settings.max_payload
        expect(len(entry.args) < limit, "args", f"less than {limit} bytes", len(entry.args))
        return target
    except BuoyError as error:
        raise EntryError(entry.name, error) from None
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise EntryError(entry.name, f"class: cannot be used: {printable(reason):.200}") from error


def resolve_target(entry: Entry, job: type[Job] | None) -> Target:
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
    """Returns a job of an entry that is not enqueued yet. With a tick (epoch seconds), Redis
    accepts only one job for this tick, and none for an earlier tick after it."""
    job = build_job(
        target.job or entry.job,
        json.loads(entry.args),
        queue=target.queue,
        newer=None if tick is None else (tick_field(entry.name), tick),
        claim=None if entry.overlap else tick_field(entry.name),
    )
    job.plugin_data["scheduler"] = origin_of(entry, tick)
    remember(job, entry.name, tick)
    return job


def shown_args(entry: Entry) -> str:
    """Returns the arguments of an entry as people may see them: as JSON, with ``[redacted]`` for
    what the class or the app hides, and ``[sealed]`` for all that the class seals. If no job can be
    made of them, all are hidden."""
    job = job_classes.get(entry.job)
    try:
        args, kwargs = shown_arguments(job_of(entry, resolve_target(entry, job)))
    except Exception:  # noqa: BLE001 - daemons leave the entry out, and the page says why
        hides = job is None or job.redact or job.app.settings.redacted or seals(entry)
        return '["[redacted]"]' if hides and entry.args != "[]" else entry.args
    return json.dumps([*args, *filter(None, [kwargs])], ensure_ascii=False)


def seals(entry: Entry) -> bool:
    """Whether the class of an entry seals arguments, or would if it had keys."""
    try:
        return seal_text(entry.job, entry.name, "", "") is not None
    except BuoyError:
        return True


def origin_of(entry: Entry, tick: int | None) -> dict[str, Any]:
    """Returns what a job carries of its entry: its name and its times, and the tick of the job. It
    tells other plugins, and whoever looks at the job, why the job is there."""
    origin: dict[str, Any] = {"entry": entry.name}
    if isinstance(entry.ticks, Crontab):
        origin |= {"cron": entry.ticks.fields, "tz": entry.tz}
    elif entry.every is not None:
        origin["every"] = entry.every
    return origin if tick is None else origin | {"tick": tick}


def run_now(entry: Entry) -> Handle[None]:
    """Enqueues the job of an entry now. The ticks of the entry are not affected. Raises
    EntryError."""
    target = target_of(entry)
    return target.app.submit(job_of(entry, target))


def was_fired(handle: Handle[object]) -> bool:
    """Whether the tick was enqueued before, by another daemon or by an earlier attempt."""
    return handle.code == "not_newer"
