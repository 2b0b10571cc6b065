"""Enqueues the jobs of due ticks: one round trip for all jobs of one queue."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from buoy import BrokerError, BuoyError, ClaimHeld, EnqueueError, Handle, Job, QueueFull
from buoy.plugins import Log

from ..store import Store
from ..targets import job_of, was_fired
from .entry_progress import EntryProgress

log = Log("buoy.scheduler")


class DueTick(NamedTuple):
    """A tick of an entry, in epoch seconds, and the job that is to be enqueued for it."""

    progress: EntryProgress
    tick: int
    job: Job


def fire_due(entries: Iterable[EntryProgress], now: int) -> None:
    """Enqueues the jobs of all ticks of these entries that are due at ``now`` (epoch seconds).

    Redis lets each tick through once, also when several daemons try. The ticks of one entry are
    enqueued in their order, none before all earlier ones are handled. Never raises: an error is
    logged with the name of its entry, and does not affect other entries.
    """
    entries, groups = list(entries), defaultdict[Any, list[DueTick]](list)
    for progress in entries:
        progress.begin_round()
        groups[progress.target.group_key] += make_due_ticks(progress, now)
    for group in groups.values():
        enqueue_together(group)
    for progress in entries:
        finish(progress, now)


def make_due_ticks(progress: EntryProgress, now: int) -> list[DueTick]:
    """Returns the due ticks of an entry with their jobs; none when the jobs cannot be made."""
    try:
        return [
            DueTick(progress, tick, job_of(progress.entry, progress.target, tick))
            for tick in progress.due_ticks(now)
        ]
    except Exception:
        log.exception("%s: its jobs cannot be made; continues with its next tick", progress)
        return []


def enqueue_together(group: Sequence[DueTick]) -> None:
    """Enqueues jobs together. If one of them raises, enqueues each alone."""
    try:
        log_handles(group, group[0].progress.target.app.submit_many([each.job for each in group]))
    except (BrokerError, EnqueueError) as error:
        postpone(group, error)
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises
        if len(group) == 1:
            log_refusal(group[0], error)
            return
        for each in group:
            if not each.progress.error:  # else an earlier tick of the entry is postponed
                enqueue_together([each])


def log_handles(group: Sequence[DueTick], handles: Sequence[Handle[Any]]) -> None:
    """Logs the answer for each job. A tick whose job was kept out (by a plugin, or by a claim) is
    skipped for good: it counts as handled."""
    skipped = {}
    for (progress, tick, _), handle in zip(group, handles, strict=True):
        if was_fired(handle):
            log.debug("%s: %s was fired before", progress, format_tick(tick))
        elif handle.state in ("queued", "blocked", "delayed"):
            log.info("%s: fires %s id=%s", progress, format_tick(tick), handle.id)
        else:
            log.info("%s: skips %s: %s", progress, format_tick(tick), handle.reason)
            skipped[progress.entry.name] = tick
    if skipped:
        target = group[0].progress.target
        Store(target.app).skip_ticks(target.queue, skipped)


def postpone(group: Iterable[DueTick], error: Exception) -> None:
    """Notes that these ticks must be tried again. Logs only the first failure in a row."""
    for progress, tick, _ in group:
        if not progress.error and not progress.previous_error:
            log.error("%s: %s must wait: %s", progress, format_tick(tick), error)
        progress.postpone(str(error))


def log_refusal(due: DueTick, error: Exception) -> None:
    """Handles the error of a job that was enqueued alone: a full queue is tried again, every other
    error is logged and costs the tick."""
    progress, tick, _ = due
    match error:
        case QueueFull():
            postpone([due], error)
        case ClaimHeld():
            log_handles([due], [error.handle])
        case BuoyError():  # its message is enough, without a traceback
            log.error("%s: %s cannot be enqueued: %s", progress, format_tick(tick), error)
        case _:
            log.error("%s: %s cannot be enqueued", progress, format_tick(tick), exc_info=error)


def finish(progress: EntryProgress, now: int) -> None:
    """Moves an entry on to its next tick, unless ticks of it are postponed."""
    if progress.error:
        return
    if progress.previous_error:
        log.info("%s: works again", progress)
    progress.advance(now)


def format_tick(tick: int) -> str:
    """Returns a tick as ISO 8601, in UTC."""
    return datetime.fromtimestamp(tick, UTC).isoformat()
