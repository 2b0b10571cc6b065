"""The members of a batch: they are noted before they are enqueued, so that none can end unknown."""

from collections.abc import Sequence
from typing import Any

from buoy import App, BuoyError, Handle, Job, Unavailable
from buoy.plugins import tell_end
from buoy.plugins.redis import (
    MEMBERS_AT_ONCE,
    GroupKey,
    RedisSteps,
    any_on_their_way,
    change_members,
    find_jobs,
    open_members,
    queue_names,
    steps_of,
    tell_group,
    view_groups,
)

OLD_SECONDS = 600.0
"""A member that was noted so long ago was enqueued since then, or never will be."""


class BatchOver(BuoyError):
    """A batch takes no members any more: it is complete, was cancelled, or is not known."""


def member_of(job: Job) -> str:
    """Returns the name of a job in its batch."""
    return f"{job.queue} {job.id}"


def is_batch(member: str) -> bool:
    """Whether a member is a batch: its name is the id of that, and has no blank."""
    return " " not in member


def place_of(member: str) -> tuple[str, str]:
    """Returns queue and id of a job, by its name in a batch."""
    queue, _, id = member.partition(" ")
    return queue, id


def group_of(name: str) -> GroupKey:
    """Returns a batch by its name in another, which is its id."""
    home, _, id = name.partition(":")
    return GroupKey(home, id)


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
    them. ``lose_members`` says why a job that has ended is none of them."""
    names = sorted(members)
    places = [place_of(name) for name in names]
    found = yield from find_jobs(app, places)
    missing = [name for name, view in zip(names, found, strict=True) if view is None]
    queues = sorted({queue for queue, _ in places})
    if missing and not (yield from any_on_their_way(app, queues)):
        yield from change_members(app, group, [], missing)


def cancel_members(app: App, group: GroupKey) -> RedisSteps[list[GroupKey]]:
    """Cancel all open members that are jobs; returns those that are batches."""
    inner: list[GroupKey] = []
    ids: dict[str, list[str]] = {}
    for name, _ in (yield from open_members(app, group)):
        if is_batch(name):
            inner.append(group_of(name))
        else:
            queue, id = place_of(name)
            ids.setdefault(queue, []).append(id)
    for queue, some in ids.items():
        yield from steps_of(app.control.remove, queue, some, "queued delayed blocked running")
    return inner


def lose_members(app: App, group: GroupKey, now: float) -> RedisSteps[int]:
    """Count those members as lost that were noted long ago, and are nowhere; returns how many.

    A job that has ended, and whose end is on its way to the batch, is not lost: the ends that are
    on their way are looked at after the jobs.
    """
    queues = yield from queue_names(app)
    members = yield from open_members(app, group)
    old = [name for name, noted in members if noted < now - OLD_SECONDS]
    found = 0
    for first in range(0, len(old), MEMBERS_AT_ONCE):
        page = old[first : first + MEMBERS_AT_ONCE]
        missing = yield from missing_among(app, queues, page)
        if missing and not (yield from any_on_their_way(app, queues)):
            yield from tell_group(app, group, missing, "lost")
            found += len(missing)
    return found


def missing_among(app: App, queues: Sequence[str], members: Sequence[str]) -> RedisSteps[list[str]]:
    """Returns those of these members that are nowhere: jobs that are in no queue, and batches that
    are not known."""
    jobs = [name for name in members if not is_batch(name)]
    batches = [name for name in members if is_batch(name)]
    for queue in [None, *queues]:  # most are still in the queue to which they went
        places = [(queue or place_of(name)[0], place_of(name)[1]) for name in jobs]
        views = yield from find_jobs(app, places)
        jobs = [name for name, view in zip(jobs, views, strict=True) if view is None]
    known = yield from view_groups(app, [*map(group_of, batches)])
    return jobs + [name for name, view in zip(batches, known, strict=True) if view is None]
