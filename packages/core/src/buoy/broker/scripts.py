"""Lua scripts: read from ``lua/NAME.lua`` of a package, and run in one round trip."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pkgutil import get_data
from typing import Any

from ..connection.client import (
    Client,
    RawArg,
    RedisSteps,
    UnknownScript,
    run_steps,
    send_commands,
)
from ..errors import BrokerError, WrongType
from .keys import wrong_types

INCLUDE = re.compile(r"^-- include (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """A script: its text, and the SHA-1 digest by which a server knows it."""

    name: str
    text: str
    sha: str


@cache
def script(package: str, name: str) -> Script:
    """Load the script ``lua/NAME.lua`` of a package.

    A line ``-- include NAME`` is replaced by the file of that name in that folder; where a file
    is included again, by nothing.
    """
    import hashlib  # a program that only declares jobs does not load it

    included = set()

    def read(name: str) -> str:
        if name in included:
            return ""
        included.add(name)
        text = (get_data(package, f"lua/{name}.lua") or b"").decode()
        return INCLUDE.sub(lambda found: read(found[1]), text)

    text = read(name)
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


ScriptCall = tuple[Script, Sequence[str], Sequence[RawArg]]
"""A script, its keys, its arguments: what KEYS and ARGV are in Lua."""


def script_steps(calls: Sequence[ScriptCall]) -> RedisSteps[list[Any]]:
    """Run scripts in one round trip; returns a reply for each, as ``Client.calls`` does.

    Takes none without calls, a second one when the server does not know a script yet, and one for
    each key of a wrong type. Each script is atomic; several of them together are not.
    """
    commands = [["EVALSHA", s.sha, len(k), *k, *a] for s, k, a in calls]
    replies = yield from send_commands(commands)
    unknown = [n for n, reply in enumerate(replies) if isinstance(reply, UnknownScript)]
    if unknown:
        with_text = [calls[n] for n in unknown]
        again = yield [["EVAL", s.text, len(k), *k, *a] for s, k, a in with_text]
        for n, reply in zip(unknown, again, strict=True):
            replies[n] = reply
    for n, reply in enumerate(replies):
        if isinstance(reply, WrongType):
            replies[n] = yield from explain_wrong_type(calls[n], reply)
    return replies


def explain_wrong_type(call: ScriptCall, error: BrokerError) -> RedisSteps[BrokerError]:
    """An error that names the keys of a wrong type, which Redis itself does not tell.

    The script has changed nothing: scripts read such keys before they write.
    """
    keys = call[1]
    try:
        wrong = wrong_types(keys, (yield [["TYPE", key] for key in keys]))
    except BrokerError:
        return error
    advice = "nothing was changed; RENAME it to a name of its own, and find out what writes there"
    return WrongType(f"{', '.join(wrong)}; {advice}") if wrong else error


def run_scripts(client: Client, calls: Sequence[ScriptCall]) -> list[Any]:
    """Run scripts in this thread; see ``script_steps``."""
    return run_steps(script_steps(calls), lambda: client)
