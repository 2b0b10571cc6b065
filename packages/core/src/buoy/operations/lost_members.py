"""Finds members of groups that were noted and never came: their program has died before it
enqueued them. They count as lost, so that what follows the group follows at last."""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from ..broker.queue_registration import names_of_queues
from ..broker.script_arguments import ScriptArguments, decode_text, encode_text
from ..broker.scripts import script, script_steps
from ..connection.client import RawArg, RedisSteps, check_replies, run_steps, single_reply
from ..connection.twins import steps_of
from ..errors import CorruptPayload, WrongType
from ..model.ending import Ending, GroupKey, group_in, is_group, place_in
from ..model.handover import split_time
from ..process.logs import Log
from .groups import FIRST_KEY, MEMBERS_AT_ONCE, follow, group_keys, read_open_members

if TYPE_CHECKING:
    from ..broker.broker import Broker
    from ..broker.redis_access import RedisAccess

logger = Log("buoy.worker")

OLD_SECONDS = 600.0
"""A member that was noted so long ago was enqueued since then, or never will be."""

QUEUES_PER_SCRIPT = 50
"""In how many queues of one server a script looks for jobs."""


def look_after_groups(broker: "Broker", home: str, ids: Sequence[str]) -> None:
    """Count members as lost that were noted an hour ago or longer and are nowhere; cancel groups
    that were left open; lua/group_unseen.lua says which. Logs both, and raises nothing.

    A worker calls it with the groups that a heartbeat has found unseen. It looks at 1000 members at
    most; where there are more, the next heartbeat finds the group again.
    """
    try:
        run_steps(look_steps(broker, home, ids), lambda: broker.worker_client)
    except Exception as error:  # noqa: BLE001 - without its thread a worker would lose its leases
        logger.debug("queue=%s groups were not looked at: %s", home, error)


def look_steps(broker: "Broker", home: str, ids: Sequence[str]) -> RedisSteps[None]:
    """Look after these groups of one home; see ``look_after_groups``. Raises BrokerError."""
    groups = [GroupKey(home, id) for id in ids]
    words = ScriptArguments([MEMBERS_AT_ONCE, len(groups)], [broker.keys.groups(home)])
    for group in groups:
        words.args.append(words.number_of_next_key)
        words.keys += broker.keys.group(*group)
    reply = yield from steps_of(broker.run_script, "group_unseen", home, words)
    taken, cancelled, fired = reply
    yield from follow(broker, home, fired)
    for group, members, was_cancelled in zip(groups, taken, cancelled, strict=True):
        if was_cancelled:
            logger.warning("queue=%s group %s was left open: cancelled", *group)
        if members:
            lost = yield from lose_missing(broker, group, [*map(decode_text, members)])
            if lost:
                logger.warning("queue=%s group %s: members that never came: %d", *group, lost)


def lose_members(app: "RedisAccess", group: GroupKey, now: float) -> RedisSteps[int]:
    """Count those members as lost that were noted ten minutes before ``now`` (epoch seconds) or
    longer ago, and are nowhere; returns how many. See ``lose_missing``."""
    found = 0
    for page in (yield from read_old_members(app.broker, group, now)):
        found += yield from lose_missing(app.broker, group, page)
    return found


def count_missing(broker: "Broker", group: GroupKey, now: float) -> RedisSteps[int]:
    """Returns how many members ``lose_members`` would count as lost."""
    found = 0
    for page in (yield from read_old_members(broker, group, now)):
        found += len((yield from find_missing(broker, group, page)))
    return found


def read_old_members(broker: "Broker", group: GroupKey, now: float) -> RedisSteps[list[list[str]]]:
    """Returns the open members that were noted long before ``now``, in pages of 1000."""
    members = yield from read_open_members(broker.keys, group)
    old = [name for name, noted in members if now - noted > OLD_SECONDS]
    return [old[n : n + MEMBERS_AT_ONCE] for n in range(0, len(old), MEMBERS_AT_ONCE)]


def missing_members(
    app: "RedisAccess", group: GroupKey, members: Sequence[str]
) -> RedisSteps[list[str]]:
    """Returns those of these members that are nowhere; see ``find_missing``."""
    return find_missing(app.broker, group, members)


def lose_missing(broker: "Broker", group: GroupKey, members: Sequence[str]) -> RedisSteps[int]:
    """Count those of these members as lost that are nowhere; returns how many. ``members``: 1000 at
    most, which may have ended meanwhile. Raises BrokerError if any queue cannot be reached."""
    missing = yield from find_missing(broker, group, members)
    if missing:
        words: list[RawArg] = [len(missing)]
        for member in missing:
            words += [FIRST_KEY, "lost", encode_text(member)]
        told = ScriptArguments(words, group_keys(broker, group))
        reply = yield from steps_of(broker.run_script, "group_told", group.home, told)
        yield from follow(broker, group.home, reply[3])
    return len(missing)


def find_missing(
    broker: "Broker", group: GroupKey, members: Sequence[str]
) -> RedisSteps[list[str]]:
    """Returns those of these members that are nowhere: jobs that are in no queue, groups that are
    not known, and whose ends are not on their way to the group. Some may have ended meanwhile: the
    group does not know those as open any more. Raises BrokerError if any queue cannot be reached.

    The ends are looked at after the jobs: a job that ends in between is found there, or its group
    has been told.
    """
    queues = yield from names_of_queues(broker.keys)
    jobs = [member for member in members if not is_group(member)]
    everywhere = pages_of_queues(broker, queues)
    for pages in (None, everywhere, everywhere):  # a job that is moved may be passed by once
        searches = own_queues(jobs) if pages is None else [(page, jobs) for page in pages]
        found = yield from find_stored(broker, searches)
        jobs = [member for member in jobs if member not in found]
    missing = jobs + (yield from unknown_groups(broker, filter(is_group, members)))
    if missing:
        homes = {group_in(each).home if is_group(each) else place_in(each)[0] for each in missing}
        on_the_way = yield from read_ends(broker, group, {*queues, *homes})
        missing = [member for member in missing if member not in on_the_way]
    return missing


Search = tuple[Sequence[str], Sequence[str]]
"""Queues that one script may read, and the jobs for which it looks there."""


def own_queues(jobs: Sequence[str]) -> list[Search]:
    """Returns the searches of jobs in the queues in which they were enqueued; most are there."""
    found: dict[str, list[str]] = {}
    for job in jobs:
        found.setdefault(place_in(job)[0], []).append(job)
    return [([queue], some) for queue, some in found.items()]


def pages_of_queues(broker: "Broker", queues: Sequence[str]) -> list[Sequence[str]]:
    """Returns the queues in pages that one script may read."""
    return [
        group[first : first + QUEUES_PER_SCRIPT]
        for group in broker.client.group_queues(queues)
        for first in range(0, len(group), QUEUES_PER_SCRIPT)
    ]


def find_stored(broker: "Broker", searches: Sequence[Search]) -> RedisSteps[set[str]]:
    """Returns the jobs that any of their queues has; takes one round trip."""
    stored, part = script("buoy.broker", "stored"), broker.keys.part
    calls = [
        ([part(each, "jobs") for each in queues], [encode_text(place_in(job)[1]) for job in jobs])
        for queues, jobs in searches
    ]
    replies = check_replies((yield from script_steps([(stored, *call) for call in calls])))
    return {
        job
        for (_, jobs), reply in zip(searches, replies, strict=True)
        for job, there in zip(jobs, reply, strict=True)
        if there
    }


def unknown_groups(broker: "Broker", members: Iterable[str]) -> RedisSteps[list[str]]:
    """Returns those of these members, which are groups, that are not known."""
    names = [*members]
    if not names:
        return []
    keys = [broker.keys.group(*group_in(name))[0] for name in names]
    known = check_replies((yield [["EXISTS", key] for key in keys]))
    return [name for name, there in zip(names, known, strict=True) if not there]


def read_ends(broker: "Broker", group: GroupKey, queues: Collection[str]) -> RedisSteps[set[str]]:
    """Returns the members of a group whose ends these queues have noted, and are yet to tell it.

    Only ZSCAN finds all of them: workers put them off, and so change their order, meanwhile.
    """
    found: set[str] = set()
    cursors = dict.fromkeys(queues, b"0")
    while cursors:
        replies = yield [
            ["ZSCAN", broker.keys.part(queue, "handovers"), cursor, "COUNT", MEMBERS_AT_ONCE]
            for queue, cursor in cursors.items()
        ]
        pages = zip(cursors, replies, strict=True)
        cursors = {}
        for queue, reply in pages:
            if isinstance(reply, WrongType):
                continue
            cursor, words = single_reply([reply])
            found |= {end.member for end in map(end_in, words[::2]) if end and is_of(end, group)}
            if cursor != b"0":
                cursors[queue] = cursor
    return found


def is_of(end: Ending, group: GroupKey) -> bool:
    return (end.queue, end.group) == group


def end_in(stored: bytes) -> Ending | None:
    """Returns the end of a member that a queue has noted; None for anything else."""
    try:
        at, text = split_time(decode_text(stored))
        return Ending.parse(text, at)
    except CorruptPayload:
        return None
