"""What a client of Redis is, and steps that any kind of client can take.

``RedisSteps`` neither wait nor send: they are a generator that yields commands and waits. So a
program that blocks (``run_steps``) and a program that awaits (``arun_steps``, in ``async_client``)
can both run them.
"""

import time
from collections.abc import Callable, Generator, Sequence
from typing import Any, Protocol, TypeVar

from ..errors import BrokerError

RawArg = str | bytes | int | float
"""The name or one argument of a Redis command."""

T = TypeVar("T")
Step = Sequence[Sequence[RawArg]] | float
"""Commands to send in one round trip, or (as a float) seconds to wait."""
RedisSteps = Generator[Step, Any, T]
"""Yields steps and returns a result.

It is sent the list of replies after commands, and None after a wait. When the commands of a step
fail as a whole, the BrokerError is raised at the ``yield``.
"""


class Client(Protocol):
    """A client of Redis. Any number of threads may use it; each has its own connection."""

    def call(self, *args: RawArg) -> Any:
        """Send one command, once, and return its reply; texts are bytes.

        Raises BrokerError when Redis refuses the command, Unavailable when there is no reply.
        """

    def calls(self, commands: Sequence[Sequence[RawArg]]) -> list[Any]:
        """Send commands in one round trip, once, and return one reply for each.

        A command that Redis refuses has a BrokerError in place of its reply; on a cluster, so has
        each command whose node did not reply. Raises Unavailable when there is no reply at all:
        its ``sent`` tells whether the commands may have been executed. Raises another BrokerError
        when a further try would not help: a wrong password, no TLS, not a Redis server.
        """

    def group_queues(self, queues: Sequence[str]) -> list[Sequence[str]]:
        """The queues in groups, such that one script may read the keys of a whole group."""

    def with_timeout(self, seconds: float) -> "Client":
        """A client that waits at most this time for each of several servers.

        With one server it is the client itself: no other server could be asked meanwhile.
        """

    def close(self) -> None:
        """Close the connections of the calling thread; the next call opens new ones."""


class UnknownScript(BrokerError):
    """The server does not know a script by its digest, and must be sent the text.

    It was restarted, or another server took its place.
    """


def send_commands(commands: Sequence[Sequence[RawArg]]) -> RedisSteps[list[Any]]:
    """Send commands in one round trip, and none without commands; returns the replies of
    ``Client.calls``."""
    replies: list[Any] = (yield commands) if commands else []
    return replies


def together(*readings: RedisSteps[Any]) -> RedisSteps[list[Any]]:
    """Take several steps side by side: the next commands of all of them go in one round trip.

    Returns what each returns. None of them may wait. When a round trip fails as a whole, all fail.
    """
    results: list[Any] = [None] * len(readings)
    asked: dict[int, Sequence[Sequence[RawArg]]] = {}

    def go_on(number: int, replies: list[Any] | None) -> None:
        asked.pop(number, None)
        try:
            step = next(readings[number]) if replies is None else readings[number].send(replies)
        except StopIteration as end:
            results[number] = end.value
        else:
            asked[number] = step  # type: ignore[assignment]  # none of them waits

    for number in range(len(readings)):
        go_on(number, None)
    while asked:
        replies = iter((yield [command for step in asked.values() for command in step]))
        for number, step in list(asked.items()):
            go_on(number, [next(replies) for _ in step])
    return results


def run_steps(steps: RedisSteps[T], get_client: Callable[[], Client]) -> T:
    """Take the steps in this thread, and return their result.

    ``get_client`` is called for each step with commands: steps without commands need no client.
    Raises the errors that the steps raise, such as a BrokerError that they do not catch.
    """
    answer: Any = None
    try:
        step = next(steps)
        while True:
            if isinstance(step, float):
                time.sleep(step)
                answer = None
            else:
                try:
                    answer = get_client().calls(step)
                except BrokerError as error:
                    step = steps.throw(error)
                    continue
            step = steps.send(answer)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # it is what the steps return


def check_replies(replies: list[Any]) -> list[Any]:
    """The replies; raises the first exception among them."""
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


def single_reply(replies: list[Any]) -> Any:
    """The first reply, of a call with one command; raises it if it is an exception."""
    return check_replies(replies)[0]
