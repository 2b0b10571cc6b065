"""What a way to Redis is, and how scripts are run on it."""

from collections.abc import Sequence
from typing import Any, Protocol

from .errors import BrokerError
from .scripts import Script

Word = str | bytes | int | float
Act = tuple[Script, Sequence[str], Sequence[Word]]
"""A script, its keys, its arguments."""


class Link(Protocol):
    """A way to a Redis, for any number of threads."""

    def call(self, *words: Word) -> Any:
        """Send one command, once, and return its reply (texts as bytes)."""

    def calls(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """Send commands in one round trip; a refused one has its exception in place of a reply."""

    def together(self, queues: Sequence[str]) -> list[Sequence[str]]:
        """Queues in groups such that one script may look at all queues of a group."""

    def close(self) -> None:
        """Close the connection of this thread."""


class UnknownScript(BrokerError):
    """The server was restarted, or is another one: it must be sent the script's text."""


def run_scripts(link: Link, acts: Sequence[Act]) -> list[Any]:
    """Run scripts in one round trip, or two when the server does not know one of them yet.

    A refused one has its exception in place of a reply.
    """
    replies = link.calls([["EVALSHA", s.sha, len(k), *k, *a] for s, k, a in acts])
    unknown = [n for n, reply in enumerate(replies) if isinstance(reply, UnknownScript)]
    if unknown:
        whole = [acts[n] for n in unknown]
        again = link.calls([["EVAL", s.text, len(k), *k, *a] for s, k, a in whole])
        for n, reply in zip(unknown, again, strict=True):
            replies[n] = reply
    return replies


def accepted(replies: list[Any]) -> list[Any]:
    """The replies, if none of them is a refusal."""
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


def only(replies: list[Any]) -> Any:
    """The one reply, if it is no refusal."""
    return accepted(replies)[0]
