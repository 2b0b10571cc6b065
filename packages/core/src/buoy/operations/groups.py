"""Groups of jobs, as a plugin opens, fills, closes and reads them; see lua/group.lua."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..broker.forwarding import MOST, forward_steps
from ..broker.keys import Keys
from ..broker.script_arguments import (
    ScriptArguments,
    decode_text,
    encode_text,
    parse_epoch,
)
from ..connection.client import RawArg, RedisSteps, check_replies, send_commands, single_reply
from ..connection.twins import steps_of
from ..errors import BrokerError, WrongType
from ..model.ending import OUTCOMES, GroupKey

if TYPE_CHECKING:
    from ..broker.broker import Broker
    from ..broker.redis_access import RedisAccess

MEMBERS_AT_ONCE = 1000
"""How many members one call names."""
FIRST_KEY = ScriptArguments([], ["names"]).number_of_next_key
"""The number of the first key of the group itself, in the KEYS of a script on one group."""

AddAnswer = Literal["open", "unknown", "cancelled", "complete"]


@dataclass(frozen=True)
class GroupView:
    """What is known of a group. Times are epoch seconds, 0.0 for what has not happened.

    ``stopped``: it takes no more members. ``ended``: how many members have ended in each way.
    ``open``: how many have not ended.
    """

    key: GroupKey
    description: str
    parent: str
    opened: float
    completed: float
    succeeded: float
    closed: bool
    stopped: bool
    total: int
    ended: Mapping[str, int]
    open: int


def open_group(app: "RedisAccess", group: GroupKey, fields: Mapping[str, str]) -> RedisSteps[bool]:
    """Open a group; returns False if there is one. ``fields``: its ``description``, ``parent``, and
    on_success, on_complete, on_death: the jobs that follow, one a line (``following_job``)."""
    yield from app.broker.registration.register(group.home)
    words: list[RawArg] = [len(fields), *(word for pair in fields.items() for word in pair)]
    return bool((yield from run_group(app.broker, "group_open", group, words)))


def change_members(
    app: "RedisAccess", group: GroupKey, added: Sequence[str], forgotten: Sequence[str] = ()
) -> RedisSteps[tuple[AddAnswer, set[str]]]:
    """Note members, before they are enqueued, or forget some that were not enqueued; 1000 at most.
    Returns whether the group takes members, and which were members already."""
    words: list[RawArg] = [len(added), *map(encode_text, added)]
    words += [len(forgotten), *map(encode_text, forgotten)]
    state, fired, before = yield from run_group(app.broker, "group_add", group, words)
    yield from follow(app.broker, group.home, fired)
    return decode_text(state), set(map(decode_text, before))  # type: ignore[return-value]


def close_group(app: "RedisAccess", group: GroupKey, *, cancel: bool = False) -> RedisSteps[bool]:
    """Close a group, so that it can be complete; or let it take no more members at all. Returns
    False if it is not known."""
    words = ["cancelled" if cancel else "closed"]
    known, fired = yield from run_group(app.broker, "group_close", group, words)
    yield from follow(app.broker, group.home, fired)
    return bool(known)


def run_group(
    broker: "Broker", name: str, group: GroupKey, words: Sequence[RawArg]
) -> RedisSteps[Any]:
    """Run a script on one group; returns its reply."""
    arguments = ScriptArguments([FIRST_KEY, *words], group_keys(broker, group))
    return (yield from steps_of(broker.run_script, name, group.home, arguments))


def group_keys(broker: "Broker", group: GroupKey) -> list[str]:
    """Returns the keys that a script on one group takes after those of its home."""
    return [broker.keys.groups(group.home), *broker.keys.group(*group)]


def follow(broker: "Broker", home: str, fired: int) -> RedisSteps[None]:
    """Hand over what follows groups of this home, if anything does. What cannot be handed over now,
    its workers hand over later."""
    if not fired:
        return
    try:
        yield from forward_steps(broker, home, MOST)
    except BrokerError:
        return


def read_groups(
    app: "RedisAccess", homes: Sequence[str], most: int | None = None
) -> RedisSteps[list[GroupView]]:
    """Returns the groups that live in these queues, the newest first; takes two round trips.

    ``most``: read so many of each queue at most; those that are not complete come first then.
    """
    last = -1 if most is None else most - 1
    asked: list[tuple[str, list[RawArg]]] = []
    for home in homes:
        asked.append((home, ["ZRANGE", app._keys.groups(home), 0, last]))
        if most is not None:
            asked.append((home, ["ZREVRANGE", app._keys.groups(home), 0, last]))
    found = (yield from send_commands([command for _, command in asked])) if asked else []
    groups = [
        GroupKey(home, decode_text(id))
        for (home, _), ids in zip(asked, found, strict=True)
        if not isinstance(ids, BrokerError)
        for id in ids
    ]
    views = yield from view_groups(app, [*dict.fromkeys(groups)])
    newest = sorted(filter(None, views), key=lambda view: -view.opened)
    return newest if most is None else sorted(newest, key=lambda view: view.completed > 0)


def view_groups(
    app: "RedisAccess", groups: Sequence[GroupKey]
) -> RedisSteps[list[GroupView | None]]:
    """Returns what is known of each group, None for one that is not known, or whose keys are of a
    wrong type; takes one round trip."""
    commands: list[list[RawArg]] = []
    for group in groups:
        hash_key, open_key, _ = app._keys.group(*group)
        commands += [["HGETALL", hash_key], ["ZCARD", open_key]]
    found = (yield from send_commands(commands)) if commands else []
    replies = check_replies([None if isinstance(each, WrongType) else each for each in found])
    return [
        group_view(group, words, count)
        for group, words, count in zip(groups, replies[::2], replies[1::2], strict=True)
    ]


def group_view(
    group: GroupKey, words: Sequence[bytes] | None, count: int | None
) -> GroupView | None:
    """Returns a group as the words of its hash tell it."""
    if not words or count is None:
        return None
    fields = dict(zip(map(decode_text, words[::2]), words[1::2], strict=True))
    return GroupView(
        group,
        decode_text(fields.get("description", b"")),
        decode_text(fields.get("parent", b"")),
        parse_epoch(fields.get("opened")),
        parse_epoch(fields.get("completed")),
        parse_epoch(fields.get("succeeded")),
        "closed" in fields,
        "stopped" in fields,
        counted(fields.get("total")),
        {name: counted(fields.get(name)) for name in OUTCOMES},
        count,
    )


def counted(text: bytes | None) -> int:
    """Returns a count that a script has written; 0 for anything else."""
    return int(text) if text is not None and text.isdigit() and len(text) < 17 else 0


def open_members(app: "RedisAccess", group: GroupKey) -> RedisSteps[list[tuple[str, float]]]:
    """Returns the open members of a group, the oldest first, and when each was noted, or looked for
    last, epoch seconds; takes one round trip for each 1000."""
    return read_open_members(app._keys, group)


def read_open_members(keys: Keys, group: GroupKey) -> RedisSteps[list[tuple[str, float]]]:
    """Returns what ``open_members`` does.

    Only ZSCAN finds all of them: others end meanwhile, and workers change their order.
    """
    key, cursor = keys.group(*group)[1], b"0"
    found: dict[str, float] = {}
    while True:
        reply = yield [["ZSCAN", key, cursor, "COUNT", MEMBERS_AT_ONCE]]
        cursor, words = single_reply(reply)
        for member, noted in zip(words[::2], words[1::2], strict=True):
            found[decode_text(member)] = parse_epoch(noted)
        if cursor == b"0":
            break
    return sorted(found.items(), key=lambda pair: pair[1])
