"""A client of a cluster: a client for each node, and a topology that tells which node has a slot.

A call sends to all its nodes before it waits for a reply. So a node that hangs delays only the
queues that it holds.
"""

import copy
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from redis.exceptions import TimeoutError as ReplyLate

from ..errors import BrokerError, Unavailable
from .backoff import Backoff
from .client import RawArg, single_reply
from .redis_errors import CONNECTION_ERRORS, RedisTimeout, no_reply_error
from .server import CLUSTER_NODE_TIMEOUT, SOCKET_TIMEOUT, ServerClient
from .topology import (
    NODE_REPLY_SECONDS,
    Commands,
    CommandsByNode,
    NodeSteps,
    RepliesByNode,
    Topology,
)

SCHEMES = ("redis+cluster", "rediss+cluster")


class ClusterClient:
    """A client of a cluster; see Client."""

    def __init__(self, url: str) -> None:
        self.topology = Topology(url, self.watch_node)
        self.timeout = SOCKET_TIMEOUT
        self.nodes: dict[str, ServerClient] = {}
        for seed in self.topology.seeds:
            self.node(seed)

    def with_timeout(self, seconds: float) -> "ClusterClient":
        client = copy.copy(self)
        client.timeout = seconds
        return client

    def node(self, address: str) -> ServerClient:
        """The client of the node at an address."""
        client = self.nodes.get(address)
        if client is None:
            url = self.topology.url_of(address)
            client = self.nodes.setdefault(address, ServerClient(url, CLUSTER_NODE_TIMEOUT))
        return client

    def call(self, *args: RawArg) -> Any:
        return single_reply(self.calls([args]))

    def calls(self, commands: Sequence[Sequence[RawArg]]) -> list[Any]:
        replies: list[Any] = self.take_steps(self.topology.route(commands))
        return replies

    def refresh_slots(self) -> Mapping[int, str]:
        """Ask the nodes which of them has which slot; returns address by slot.

        Raises Unavailable when none of them tells.
        """
        slots: Mapping[int, str] = self.take_steps(self.topology.discover_slots())
        return slots

    def take_steps(self, steps: NodeSteps[Any]) -> Any:
        """Take the steps in this thread and return their result."""
        try:
            requests = next(steps)
            while True:
                requests = steps.send(self.exchange(requests))
        except StopIteration as end:
            return end.value

    def exchange(self, requests: CommandsByNode) -> RepliesByNode:
        """Send each node its commands, then wait for the replies of all.

        A node that fails has its BrokerError in place of each reply.
        """
        timeout = self.timeout if len(requests) == 1 else min(self.timeout, NODE_REPLY_SECONDS)
        answers: RepliesByNode = {}
        asked: list[str] = []
        try:
            for address in sorted(requests, key=lambda each: not self.node(each).connected):
                self.send_to(address, answers, requests[address], asked)
            deadline = time.monotonic() + timeout
            for address in asked:
                self.receive_from(address, answers, len(requests[address]), deadline, asked)
        except BaseException:
            for address in requests:
                self.node(address).close()  # nobody reads the replies
            raise
        return answers

    def send_to(
        self, address: str, answers: RepliesByNode, commands: Commands, asked: list[str]
    ) -> None:
        """Send to one node; adds it to ``asked``, or its errors to ``answers``."""
        try:
            self.topology.suspects.check(address)
        except Unavailable as error:
            answers[address] = [error] * len(commands)
            return
        try:
            self.node(address).send(commands)
            asked.append(address)
        except (*CONNECTION_ERRORS, BrokerError) as error:
            answers[address] = self.note_failure(address, error, len(commands))

    def receive_from(
        self,
        address: str,
        answers: RepliesByNode,
        count: int,
        deadline: float,
        asked: Sequence[str],
    ) -> None:
        """Add the replies of one node to ``answers``; ``deadline`` as in ``ServerClient.receive``.

        When it is the only one that was asked, the others are asked whether it was replaced.
        """
        alone = len(asked) == 1 and self.timeout > NODE_REPLY_SECONDS
        replaced = partial(self.is_replaced, address, asked) if alone else None
        try:
            answers[address] = self.node(address).receive(count, deadline, replaced)
        except CONNECTION_ERRORS as error:
            answers[address] = self.note_failure(address, error, count)

    def is_replaced(self, address: str, busy: Sequence[str]) -> bool:
        """Whether another node has taken the place of this one.

        Asks the nodes that are not ``busy``: those have replies outstanding.
        """
        if not self.topology.is_primary(address):
            return False
        with suppress(BrokerError):
            self.with_timeout(NODE_REPLY_SECONDS).take_steps(self.topology.discover_slots(busy))
        return not self.topology.is_primary(address)

    def note_failure(self, address: str, error: Exception, count: int) -> list[Any]:
        """Close the connection to a node, and return its error in place of each reply."""
        self.node(address).close()
        ours = error if isinstance(error, BrokerError) else no_reply_error(error)
        self.topology.note_unanswered(address, silent=isinstance(ours, RedisTimeout))
        return [ours] * count

    def watch_node(self, address: str) -> None:
        """Ask a node that hangs until it answers or has left the cluster; see ``Suspects``.

        Meanwhile refreshes the slots, since another node may take its place.
        """
        client = self.with_timeout(NODE_REPLY_SECONDS)
        node = ServerClient(self.topology.url_of(address), NODE_REPLY_SECONDS)
        pauses = Backoff(longest=0.3)
        while address in self.topology.known and not is_answering(node, pauses):
            with suppress(BrokerError):
                client.refresh_slots()
        node.close()
        client.close()

    def group_queues(self, queues: Sequence[str]) -> list[Sequence[str]]:
        return [[queue] for queue in queues]

    def close(self) -> None:
        for node in list(self.nodes.values()):
            node.close()


def is_answering(node: ServerClient, pauses: Backoff) -> bool:
    """Whether a node answers at all; waits longer with each call, by ``pauses``."""
    pauses.fail()
    try:
        if not node.connected:
            node.send([["PING"]])
        node.receive(1, time.monotonic() + pauses.seconds_left())
    except ReplyLate:
        return False  # the reply may come during the next call
    except (*CONNECTION_ERRORS, BrokerError) as error:
        node.close()
        return not isinstance(error, RedisTimeout)
    return True
