"""Checks of ``buoy doctor``: groups of jobs that will not be complete, or not soon."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ..broker.keys import Keys
from ..broker.script_arguments import decode_text, parse_epoch
from ..connection.client import RawArg, RedisSteps, run_steps, send_commands
from ..errors import BrokerError
from ..model.ending import GroupKey
from ..text.units import readable_duration
from .finding import Finding
from .lost_members import OLD_SECONDS, count_missing

if TYPE_CHECKING:
    from ..broker.broker import Broker

LOOK = 1000
"""How many groups of a queue are read, the longest unseen first."""
OPEN_SECONDS = 24 * 3600.0
"""A group that is open for so long, and of which all members have ended, was perhaps forgotten."""
UNSEEN_SECONDS = 2 * 3600.0
"""Workers look for a member once an hour; here none does."""


@dataclass(frozen=True)
class IncompleteGroup:
    """A group that is not complete. Times are epoch seconds.

    ``changed``: when it was opened, or got its last member. ``open``: how many members have not
    ended; ``oldest``: when the oldest of them was noted, or looked for last.
    """

    key: GroupKey
    closed: bool
    changed: float
    open: int
    oldest: float

    @property
    def id(self) -> str:
        """What people call it."""
        return f"{self.key.home}:{self.key.id}"


def read_incomplete_groups(keys: Keys, homes: Sequence[str]) -> RedisSteps[list[IncompleteGroup]]:
    """Returns the groups of these homes that are not complete, by home, without those that cannot
    be read; takes two round trips."""
    ask: list[list[RawArg]] = [
        ["ZREVRANGEBYSCORE", keys.groups(home), 0, "-inf", "LIMIT", 0, LOOK] for home in homes
    ]
    pages = yield from send_commands(ask)
    groups = [
        GroupKey(home, decode_text(id))
        for home, ids in zip(homes, pages, strict=True)
        if not isinstance(ids, BrokerError)
        for id in ids
    ]
    commands: list[list[RawArg]] = []
    for group in groups:
        facts, members, _ = keys.group(*group)
        commands.append(["HMGET", facts, "opened", "noted", "closed"])
        commands.append(["ZCARD", members])
        commands.append(["ZRANGE", members, 0, 0, "WITHSCORES"])
    replies = yield from send_commands(commands)
    read = zip(groups, replies[::3], replies[1::3], replies[2::3], strict=True)
    return [found for each in read if (found := incomplete_group(*each))]


def incomplete_group(key: GroupKey, facts: Any, count: Any, first: Any) -> IncompleteGroup | None:
    """Returns a group as Redis tells it; None for one that is not known, or cannot be read."""
    if any(isinstance(each, BrokerError) for each in (facts, count, first)) or not facts[0]:
        return None
    opened, noted, closed = facts
    changed = max(parse_epoch(opened), parse_epoch(noted))
    oldest = parse_epoch(first[1]) if first else float("inf")
    return IncompleteGroup(key, closed is not None, changed, count, oldest)


def check_groups(groups: Sequence[IncompleteGroup], now: float) -> Iterator[Finding]:
    """Check that no group is left open, and that workers look for the members of all groups."""
    left_open = [
        each
        for each in groups
        if not each.closed and not each.open and now - each.changed > OPEN_SECONDS
    ]
    unseen = [each for each in groups if now - each.oldest > UNSEEN_SECONDS]
    for home, some in by_home(left_open):
        longest = min(some, key=lambda each: each.changed)
        yield Finding(
            f"queue {home}",
            "note",
            f"groups of jobs (batches) that are open, though all their members have ended: "
            f"{len(some)}; {longest.id} for {readable_duration(now - longest.changed)}",
            f"close it, as in Batch.by_id({longest.id!r}).close(), or buoy batch cancel "
            f"{longest.id}; workers cancel it after 30 days",
        )
    for home, some in by_home(unseen):
        oldest = min(some, key=lambda each: each.oldest)
        yield Finding(
            f"queue {home}",
            "note",
            f"groups of jobs (batches) that have members for which no worker looks: {len(some)}; "
            f"{oldest.id} for {readable_duration(now - oldest.oldest)}",
            f"start a worker: buoy worker -a MODULE -q {home}; or buoy batch repair {oldest.id}",
        )
    if not left_open and not unseen:
        yield Finding("groups", "ok", f"not complete: {len(groups)}; none is left open")


def check_members(
    broker: "Broker", groups: Sequence[IncompleteGroup], now: float
) -> Iterator[Finding]:
    """Check that each member that was noted ten minutes ago or longer is somewhere. Reads all
    members of these groups, and raises BrokerError if Redis does not answer."""
    lost: dict[IncompleteGroup, int] = {}
    for group in groups:
        if now - group.oldest > OLD_SECONDS:
            lost[group] = run_steps(count_missing(broker, group.key, now), lambda: broker.client)
    affected = [group for group, count in lost.items() if count]
    for home, some in by_home(affected):
        yield Finding(
            f"queue {home}",
            "wrong",
            f"members of groups of jobs (batches) that never came: "
            f"{sum(lost[each] for each in some)}; groups that wait for them: {len(some)}",
            f"workers of {home} count them as lost an hour after they were noted; or do it now: "
            f"buoy batch repair {some[0].id}",
        )
    if not affected:
        yield Finding("members", "ok", "each member of a group is somewhere, or has ended")


def by_home(
    groups: Sequence[IncompleteGroup],
) -> Iterator[tuple[str, list[IncompleteGroup]]]:
    """Returns the groups of each home."""
    for home, some in groupby(sorted(groups, key=home_of), home_of):
        yield home, [*some]


def home_of(group: IncompleteGroup) -> str:
    return group.key.home
