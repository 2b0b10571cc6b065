"""What a way to Redis is, and conversations that go over it.

A conversation neither waits nor sends by itself: it is a generator of steps. So the same one is
had by a program that blocks (run_steps) and by one that awaits (arun_steps, in asyncio's own file).
"""

import time
from collections.abc import Callable, Generator, Sequence
from typing import Any, Protocol, TypeVar

from ..errors import BrokerError

Word = str | bytes | int | float

T = TypeVar("T")
Step = Sequence[Sequence[Word]] | float
"""Commands to be sent in one round trip, or seconds to wait."""
RedisSteps = Generator[Step, Any, T]
"""Takes the replies to each step, returns what came of them."""


class Client(Protocol):
    """A way to a Redis, for any number of threads."""

    def call(self, *words: Word) -> Any:
        """Send one command, once, and return its reply (texts as bytes)."""

    def calls(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """Send commands in one round trip; a refused one has its exception in place of a reply."""

    def together(self, queues: Sequence[str]) -> list[Sequence[str]]:
        """Queues in groups such that one script may look at all queues of a group."""

    def hurried(self, seconds: float) -> "Client":
        """The same way, for who must not be held up by one of several servers for longer."""

    def close(self) -> None:
        """Close the connection of this thread."""


class UnknownScript(BrokerError):
    """The server was restarted, or is another one: it must be sent the script's text."""


def sent(commands: Sequence[Sequence[Word]]) -> RedisSteps[list[Any]]:
    """Send commands in one round trip."""
    replies: list[Any] = yield commands
    return replies


def run_steps(steps: RedisSteps[T], client: Callable[[], Client]) -> T:
    """Take the steps, waiting for each; the client is asked for when it is needed."""
    answer: Any = None
    try:
        step = next(steps)
        while True:
            if isinstance(step, float):
                time.sleep(step)
                answer = None
            else:
                try:
                    answer = client().calls(step)
                except BrokerError as error:
                    step = steps.throw(error)
                    continue
            step = steps.send(answer)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # it is what the steps return


def accepted(replies: list[Any]) -> list[Any]:
    """The replies, if none of them is a refusal."""
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


def only(replies: list[Any]) -> Any:
    """The one reply, if it is no refusal."""
    return accepted(replies)[0]
