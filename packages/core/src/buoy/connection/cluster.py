"""The way to a cluster: a client to each node, and where the slots are.

All nodes that a call concerns are asked at once, so that one which hangs holds up none but its own
queues; see topology.py for what is known of them.
"""

import copy
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from redis.exceptions import TimeoutError as Late

from ..errors import BrokerError, Unavailable
from .backoff import Backoff
from .client import Word, only
from .server import FAULTS, NODE_TIMEOUT, SOCKET_TIMEOUT, ServerClient, Silent, lost
from .topology import PATIENCE, Answers, Commands, Nodes, Parcels, Topology

SCHEMES = ("redis+cluster", "rediss+cluster")


class ClusterClient:
    """A way to a cluster, for any number of threads."""

    def __init__(self, url: str) -> None:
        self.topology = Topology(url, self.scout)
        self.patience = SOCKET_TIMEOUT
        self.nodes: dict[str, ServerClient] = {}
        for seed in self.topology.seeds:
            self.node(seed)

    def hurried(self, seconds: float) -> "ClusterClient":
        """The same way, for those who have other things to do than to wait for one node."""
        client = copy.copy(self)
        client.patience = seconds
        return client

    def node(self, address: str) -> ServerClient:
        client = self.nodes.get(address)
        if client is None:
            url = self.topology.url_of(address)
            client = self.nodes.setdefault(address, ServerClient(url, NODE_TIMEOUT))
        return client

    def call(self, *words: Word) -> Any:
        return only(self.calls([words]))

    def calls(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        replies: list[Any] = self.run_steps(self.topology.routing(commands))
        return replies

    def learn(self) -> Mapping[int, str]:
        """Ask the nodes who serves which slot."""
        slots: Mapping[int, str] = self.run_steps(self.topology.learning())
        return slots

    def run_steps(self, steps: Nodes[Any]) -> Any:
        try:
            parcels = next(steps)
            while True:
                parcels = steps.send(self.exchange(parcels))
        except StopIteration as end:
            return end.value

    def exchange(self, parcels: Parcels) -> Answers:
        """Send each node its commands, then wait for all of them together."""
        patience = self.patience if len(parcels) == 1 else min(self.patience, PATIENCE)
        answers: Answers = {}
        asked: list[str] = []
        try:
            for address in sorted(parcels, key=lambda each: not self.node(each).connected):
                self.attempt(address, answers, parcels[address], asked)
            deadline = time.monotonic() + patience
            for address in asked:
                self.collect(address, answers, len(parcels[address]), deadline, asked)
        except BaseException:
            for address in parcels:
                self.node(address).close()  # nobody reads the answers
            raise
        return answers

    def attempt(self, address: str, answers: Answers, commands: Commands, asked: list[str]) -> None:
        try:
            self.topology.suspects.check(address)
        except Unavailable as error:
            answers[address] = [error] * len(commands)
            return
        try:
            self.node(address).send(commands)
            asked.append(address)
        except (*FAULTS, BrokerError) as error:
            answers[address] = self.failed(address, error, len(commands))

    def collect(
        self, address: str, answers: Answers, count: int, deadline: float, asked: Sequence[str]
    ) -> None:
        alone = len(asked) == 1 and self.patience > PATIENCE
        replaced = partial(self.is_replaced, address, asked) if alone else None
        try:
            answers[address] = self.node(address).receive(count, deadline, replaced)
        except FAULTS as error:
            answers[address] = self.failed(address, error, count)

    def is_replaced(self, address: str, busy: Sequence[str]) -> bool:
        """Whether another node has taken the place of one that is silent."""
        if not self.topology.is_primary(address):
            return False
        with suppress(BrokerError):
            self.hurried(PATIENCE).run_steps(self.topology.learning(busy))
        return not self.topology.is_primary(address)

    def failed(self, address: str, error: Exception, count: int) -> list[Any]:
        self.node(address).close()
        ours = error if isinstance(error, BrokerError) else lost(error)
        self.topology.missed(address, silent=isinstance(ours, Silent))
        return [ours] * count

    def scout(self, address: str) -> None:
        """Watch over a node that hangs, and over who takes its place, until it hangs no more or is
        none of the cluster."""
        client = self.hurried(PATIENCE)
        node = ServerClient(self.topology.url_of(address), PATIENCE)
        pauses = Backoff(longest=0.3)
        while address in self.topology.known and not answers_now(node, pauses):
            with suppress(BrokerError):
                client.learn()
        node.close()
        client.close()

    def together(self, queues: Sequence[str]) -> list[Sequence[str]]:
        return [[queue] for queue in queues]

    def close(self) -> None:
        for node in list(self.nodes.values()):
            node.close()


def answers_now(node: ServerClient, pauses: Backoff) -> bool:
    """Whether a node answers, be it to say no; waits a little, longer and longer, for that."""
    pauses.fail()
    try:
        if not node.connected:
            node.send([["PING"]])
        node.receive(1, time.monotonic() + pauses.seconds())
    except Late:
        return False  # the answer may come to the next call
    except (*FAULTS, BrokerError) as error:
        node.close()
        return not isinstance(error, Silent)
    return True
