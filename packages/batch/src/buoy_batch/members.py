"""The members of a batch: they are noted before they are enqueued, so that none can end unknown."""

from collections.abc import Sequence
from typing import Any

from buoy import App, BuoyError, Handle, Job, Unavailable
from buoy.plugins import tell_end
from buoy.plugins.redis import (
    MEMBERS_AT_ONCE,
    GroupKey,
    RedisSteps,
    change_members,
    find_jobs,
    group_in,
    is_group,
    missing_members,
    open_members,
    place_in,
    queue_names,
    steps_of,
)

NOT_ENDED = "queued delayed blocked running"
"""The states of jobs that are cancelled with their batch."""


class BatchOver(BuoyError):
    """A batch takes no members any more: it is complete, was cancelled, or is not known."""


def member_of(job: Job) -> str:
    """Returns the name of a job in its batch."""
    return f"{job.queue} {job.id}"


def batch_id(group: GroupKey) -> str:
    return f"{group.home}:{group.id}"


def enqueue_members(
    app: App, group: GroupKey, jobs: Sequence[Job]
) -> RedisSteps[list[Handle[Any]]]:
    """Enqueue jobs of one queue as members, 1000 in two round trips."""
    handles: list[Handle[Any]] = []
    for first in range(0, len(jobs), MEMBERS_AT_ONCE):
        page = jobs[first : first + MEMBERS_AT_ONCE]
        handles += yield from enqueue_page(app, group, page)
    return handles


def enqueue_page(app: App, group: GroupKey, jobs: Sequence[Job]) -> RedisSteps[list[Handle[Any]]]:
    members = [member_of(job) for job in jobs]
    before = yield from note_members(app, group, members)
    for job, member in zip(jobs, members, strict=True):
        tell_end(job, group, member)
    try:
        handles = yield from steps_of(app.submit_many, jobs)
    except Exception as error:
        if not isinstance(error.__cause__, Unavailable):
            yield from forget_missing(app, group, set(members) - before)
        raise
    outside = [
        member
        for member, handle in zip(members, handles, strict=True)
        if handle.state in ("exists", "rejected") and member not in before
    ]
    if outside:
        yield from change_members(app, group, [], outside)
    return handles


def note_members(app: App, group: GroupKey, members: Sequence[str]) -> RedisSteps[set[str]]:
    """Note members; returns those that were members already. Raises BatchOver."""
    state, before = yield from change_members(app, group, members)
    if state != "open":
        what = {"unknown": "not known", "cancelled": "cancelled"}.get(state, state)
        raise BatchOver(
            f"batch {batch_id(group)}: expected one that takes members, got one that is {what}"
        )
    return before


def forget_missing(app: App, group: GroupKey, members: set[str]) -> RedisSteps[None]:
    """Forget those of these members that were not enqueued: Redis, or the queue, has refused
    them."""
    missing = yield from missing_members(app, group, sorted(members))
    if missing:
        yield from change_members(app, group, [], missing)


def cancel_members(app: App, group: GroupKey) -> RedisSteps[list[GroupKey]]:
    """Cancel all open members that are jobs; returns those that are batches."""
    inner: list[GroupKey] = []
    ids: dict[str, list[str]] = {}
    elsewhere: list[str] = []
    for name, _ in (yield from open_members(app, group)):
        if is_group(name):
            inner.append(group_in(name))
        else:
            queue, id = place_in(name)
            ids.setdefault(queue, []).append(id)
    for queue, some in ids.items():
        ended = yield from steps_of(app.control.remove, queue, some, NOT_ENDED)
        elsewhere += [id for id in some if id not in ended]
    for first in range(0, len(elsewhere), MEMBERS_AT_ONCE):
        yield from cancel_moved(app, group, elsewhere[first : first + MEMBERS_AT_ONCE])
    return inner


def cancel_moved(app: App, group: GroupKey, ids: Sequence[str]) -> RedisSteps[None]:
    """Cancel those of these members that an operator has moved to another queue."""
    for queue in (yield from queue_names(app)):
        views = yield from find_jobs(app, [(queue, id) for id in ids])
        members = [view.id for view in views if view is not None and group in view.groups]
        if members:
            yield from steps_of(app.control.remove, queue, members, NOT_ENDED)
