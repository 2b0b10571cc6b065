"""Firing many entries at once: one round trip for those that go into the same queue."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from buoy import BrokerError, BuoyError, ClaimHeld, EnqueueError, Handle, Job, QueueFull
from buoy.plugins import Log

from .course import Course
from .firing import job_of, was_fired
from .store import Store

log = Log("buoy.scheduler")

Shot = tuple[Course, int, Job]
"""An entry on its course, one of its ticks, and the job that this is to become."""


def fire(courses: Iterable[Course], now: int) -> None:
    """Enqueue what is due of these. Each tick is let through once, whoever else tries it; ticks of
    an entry are tried in their order, none before all earlier ones are dealt with.

    Never raises: what cannot be enqueued is reported by the name of its entry, and harms no other.
    """
    courses, volleys = list(courses), defaultdict[Any, list[Shot]](list)
    for course in courses:
        course.trouble, course.before = "", course.trouble
        volleys[course.target.together] += aimed(course, now)
    for volley in volleys.values():
        shoot(volley)
    for course in courses:
        finish(course, now)


def aimed(course: Course, now: int) -> list[Shot]:
    try:
        ticks = course.due(now)
        return [(course, tick, job_of(course.entry, course.target, tick)) for tick in ticks]
    except Exception:
        log.exception("%s: its jobs cannot be made; goes on with its next tick", course)
        return []


def shoot(volley: Sequence[Shot]) -> None:
    """Enqueue jobs together; if one of them raises, each on its own."""
    try:
        report(volley, volley[0][0].target.app.submit_many([job for _, _, job in volley]))
    except (BrokerError, EnqueueError) as error:
        hold(volley, error)
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises
        if len(volley) == 1:
            refuse(volley[0], error)
            return
        for shot in volley:
            if not shot[0].trouble:  # else an earlier tick waits
                shoot([shot])


def report(volley: Sequence[Shot], handles: Sequence[Handle[Any]]) -> None:
    """Say what became of jobs. What somebody keeps out is not made up for later."""
    passed = {}
    for (course, tick, _), handle in zip(volley, handles, strict=True):
        if was_fired(handle):
            log.debug("%s: %s was fired before", course, instant(tick))
        elif handle.state in ("queued", "delayed"):
            log.info("%s: fires %s id=%s", course, instant(tick), handle.id)
        else:
            log.info("%s: passes over %s: %s", course, instant(tick), handle.reason)
            passed[course.entry.name] = tick
    if passed:
        target = volley[0][0].target
        Store(target.app).pass_over(target.queue, passed)


def hold(shots: Iterable[Shot], error: Exception) -> None:
    """These must wait, and be tried again."""
    for course, tick, _ in shots:
        if not course.trouble and not course.before:
            log.error("%s: %s must wait: %s", course, instant(tick), error)
        course.trouble = course.trouble or str(error)


def refuse(shot: Shot, error: Exception) -> None:
    course, tick, _ = shot
    match error:
        case QueueFull():
            hold([shot], error)
        case ClaimHeld():
            report([shot], [error.handle])
        case BuoyError():  # it says all that is to be known
            log.error("%s: %s cannot be enqueued: %s", course, instant(tick), error)
        case _:
            log.error("%s: %s cannot be enqueued", course, instant(tick), exc_info=error)


def finish(course: Course, now: int) -> None:
    if course.trouble:
        return
    if course.before:
        log.info("%s: goes on", course)
    try:
        course.go_on(now)
    except Exception:
        log.exception("%s: its next tick cannot be told; fires no more", course)
        course.next = None


def instant(tick: int) -> str:
    return datetime.fromtimestamp(tick, UTC).isoformat()
