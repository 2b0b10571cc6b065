"""Lua scripts: read from ``lua/NAME.lua`` of a package, and run in one round trip."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pkgutil import get_data
from typing import Any

from ..connection.client import Client, RedisSteps, UnknownScript, Word, run_steps
from ..errors import BrokerError, WrongType
from .keys import wrong_types

INCLUDE = re.compile(r"^-- include (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """One act on Redis: its text, and the digest by which the server knows it."""

    name: str
    text: str
    sha: str


@cache
def script(package: str, name: str) -> Script:
    """Load a script; a line ``-- include NAME`` stands for the file of that name beside it.

    Each file includes what it uses, and stands in the script once.
    """
    import hashlib  # who only declares jobs does not load it

    included = set()

    def read(name: str) -> str:
        if name in included:
            return ""
        included.add(name)
        text = (get_data(package, f"lua/{name}.lua") or b"").decode()
        return INCLUDE.sub(lambda found: read(found[1]), text)

    text = read(name)
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


ScriptCall = tuple[Script, Sequence[str], Sequence[Word]]
"""A script, its keys, its arguments."""


def scripted(acts: Sequence[ScriptCall]) -> RedisSteps[list[Any]]:
    """Run scripts in one round trip, or two when the server does not know one of them yet.

    A refused one has its exception in place of a reply.
    """
    replies: list[Any] = yield [["EVALSHA", s.sha, len(k), *k, *a] for s, k, a in acts]
    unknown = [n for n, reply in enumerate(replies) if isinstance(reply, UnknownScript)]
    if unknown:
        whole = [acts[n] for n in unknown]
        again = yield [["EVAL", s.text, len(k), *k, *a] for s, k, a in whole]
        for n, reply in zip(unknown, again, strict=True):
            replies[n] = reply
    for n, reply in enumerate(replies):
        if isinstance(reply, WrongType):
            replies[n] = yield from explained(acts[n], reply)
    return replies


def explained(act: ScriptCall, error: BrokerError) -> RedisSteps[BrokerError]:
    """Redis does not say which key has a wrong type; the script has changed nothing."""
    keys = act[1]
    try:
        wrong = wrong_types(keys, (yield [["TYPE", key] for key in keys]))
    except BrokerError:
        return error
    advice = "nothing was changed; RENAME it to a name of its own, and find out what writes there"
    return WrongType(f"{', '.join(wrong)}; {advice}") if wrong else error


def run_scripts(client: Client, acts: Sequence[ScriptCall]) -> list[Any]:
    """Run scripts; see scripted."""
    return run_steps(scripted(acts), lambda: client)
