"""What the app knows of a cluster: its nodes, which node has which slot, and which nodes hang.

``NodeSteps`` neither wait nor send: they are a generator that yields the commands for each node.
So a client that blocks and a client that awaits both use these steps.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Container, Generator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from redis.crc import key_slot

from ..errors import BrokerError, Unavailable
from ..text.urls import OddUrl, parse_url
from .client import RawArg
from .redis_errors import SlotMoved, error_text, format_address

T = TypeVar("T")
Commands = Sequence[Sequence[RawArg]]
CommandsByNode = Mapping[str, Commands]
"""The commands for each node, by its address ``HOST:PORT``; all are sent at once."""
RepliesByNode = dict[str, list[Any]]
"""The replies of each node, by its address; a BrokerError in place of one that did not come."""
NodeSteps = Generator[CommandsByNode, RepliesByNode, T]

NODE_REPLY_SECONDS = 1.0
"""Seconds that one of several nodes has for a reply, since the whole call waits for it."""
MAX_REDIRECTIONS = 5
UNREACHED = "Redis cannot be reached: "
NODES_ASKED_AT_ONCE = 3
"""How many nodes are asked at once which node has which slot."""


class Topology:
    """What the clients of an app know of its cluster; threads share it.

    ``watch_node``: see Suspects. Raises OddUrl for a URL that cannot be one of a cluster.
    """

    def __init__(self, url: str, watch_node: Callable[[str], object]) -> None:
        parts = parse_url(url)
        login, at, hosts = parts.netloc.rpartition("@")
        if parts.path.strip("/") not in ("", "0"):
            raise OddUrl("a cluster has no databases: expected nothing behind the hosts")
        self.parts = parts._replace(scheme=parts.scheme.removesuffix("+cluster"), path="")
        self.login = login + at
        self.seeds = [seed_address(host) for host in hosts.split(",")]
        self.known: Sequence[str] = self.seeds
        self.slots: Mapping[int, str] = {}
        self.primaries: Sequence[str] = ()
        """The nodes that have slots."""
        self.ranges: Any = None
        self.stale = True
        self.turn = 0
        self.suspects = Suspects(watch_node)

    def url_of(self, address: str) -> str:
        """The URL of the node at an address, with the login and options of the cluster's URL."""
        return self.parts._replace(netloc=self.login + address).geturl()

    # Which node has which slot

    def discover_slots(self, busy: Container[str] = ()) -> NodeSteps[Mapping[int, str]]:
        """Ask some nodes which node has which slot, then others if none of them tells.

        The answer that most nodes give is taken. Nodes that are ``busy`` are not asked. Returns
        address by slot; raises Unavailable when no node tells, BrokerError when this is no cluster.
        """
        errors: list[Unavailable] = []
        nodes = [node for node in self.candidates() if node not in busy]
        for first in range(0, len(nodes), NODES_ASKED_AT_ONCE):
            asked = nodes[first : first + NODES_ASKED_AT_ONCE]
            answers = yield {address: [["CLUSTER", "SLOTS"]] for address in asked}
            replies = [(repr(reply), address, reply) for address, [reply] in answers.items()]
            errors += [reply for _, _, reply in replies if isinstance(reply, Unavailable)]
            maps = [each for each in replies if each[2] and not isinstance(each[2], Unavailable)]
            if maps:
                votes = Counter(text for text, _, _ in maps)
                self.update(*max(maps, key=lambda each: votes[each[0]])[1:])
                return self.slots
        why = str(errors[-1]).removeprefix(UNREACHED) if errors else "it knows of none"
        raise Unavailable(
            f"{UNREACHED}none of {len(nodes)} nodes tells where the slots are: {why}", sent=False
        )

    def candidates(self) -> list[str]:
        """The nodes to ask, another one first each time; nodes that hang only if all of them do."""
        self.turn += 1
        start = self.turn % len(self.known)
        nodes = [*self.known[start:], *self.known[:start]]
        return [node for node in nodes if node not in self.suspects] or nodes

    def update(self, source: str, ranges: Any) -> None:
        """Store the reply of the node ``source`` to CLUSTER SLOTS; raises a refusal."""
        if isinstance(ranges, BrokerError):
            raise BrokerError(
                f"{source} does not tell where the slots of a cluster are: {error_text(ranges)}; "
                "BUOY_URL of a single server starts with redis://"
            )
        self.stale = False
        if ranges == self.ranges:
            return
        slots: dict[int, str] = {}
        known = dict.fromkeys(self.seeds)
        for first, last, *nodes in ranges:
            addresses = [node_address(host, port, source) for host, port, *_ in nodes]
            slots |= dict.fromkeys(range(first, last + 1), addresses[0])
            known |= dict.fromkeys(addresses)
        self.slots, self.known, self.ranges = slots, list(known), ranges
        self.primaries = list(dict.fromkeys(slots.values()))

    def is_primary(self, address: str) -> bool:
        """Whether the node has slots."""
        return address in self.primaries

    def note_unanswered(self, address: str, *, silent: bool) -> None:
        """Note that a node failed: another one may have taken its place.

        ``silent``: it did not answer in time, so it becomes a suspect.
        """
        self.stale = True
        if silent:
            self.suspects.add(address)

    # Where a command goes

    def route(self, commands: Commands) -> NodeSteps[list[Any]]:
        """Send each command to the node that has its slot; returns the replies in order.

        A command without a key goes to the node of the command before it.
        """
        if self.stale:
            yield from self.refresh_slots()
        by_node: dict[str, list[int]] = {}
        node = self.any_node()
        for number, command in enumerate(commands):
            node = node if first_key(command) is None else self.node_of(command)
            by_node.setdefault(node, []).append(number)
        answers = yield {node: [commands[n] for n in numbers] for node, numbers in by_node.items()}
        replies: dict[int, Any] = {}
        for node, numbers in by_node.items():
            for number, reply in zip(numbers, answers[node], strict=True):
                replies[number] = yield from self.redirect(node, commands[number], reply)
        return [replies[number] for number in range(len(commands))]

    def refresh_slots(self) -> NodeSteps[None]:
        """Discover the slots anew; an outage raises only if none are known."""
        try:
            yield from self.discover_slots()
        except Unavailable:
            if not self.slots:
                raise

    def node_of(self, command: Sequence[RawArg]) -> str:
        """The address of the node that has the slot of a command; of a seed if unknown."""
        return self.slots.get(slot_of(command)) or self.seeds[0]

    def any_node(self) -> str:
        """The address of a node that does not hang."""
        healthy = (node for node in self.primaries if node not in self.suspects)
        return next(healthy, self.seeds[0])

    def redirect(self, node: str, command: Sequence[RawArg], reply: Any) -> NodeSteps[Any]:
        """The reply; or, where ``node`` says that the slot has moved, the reply of its new node."""
        for _ in range(MAX_REDIRECTIONS):
            if not isinstance(reply, SlotMoved):
                break
            self.stale = self.stale or not reply.once
            asking = [["ASKING"]] if reply.once else []
            same_host = reply.address.startswith(":")
            node = host_of(node) + reply.address if same_host else reply.address
            reply = (yield {node: [*asking, command]})[node][-1]
        if isinstance(reply, SlotMoved):
            return Unavailable(f"slots of the cluster are moving: {error_text(reply)}", sent=False)
        self.stale = self.stale or isinstance(reply, Unavailable)
        return reply


class Suspects:
    """Nodes that did not answer in time: no call waits for them until they answer again.

    ``watch_node`` is called with the address of a suspect, in a thread of its own, and returns when
    the node answers.
    """

    def __init__(self, watch_node: Callable[[str], object]) -> None:
        self.watch_node = watch_node
        self.since: dict[str, float] = {}
        self.owner = os.getpid()

    def __contains__(self, address: str) -> bool:
        if self.owner != os.getpid():  # a forked process has no such threads
            self.since, self.owner = {}, os.getpid()
        return address in self.since

    def add(self, address: str) -> None:
        """Stop waiting for a node, and start to watch it."""
        if address in self:
            return
        watcher = threading.Thread(
            target=self.watch, args=[address], name="buoy-node-watch", daemon=True
        )
        self.since[address] = time.monotonic()
        try:
            watcher.start()
        except RuntimeError:  # the process ends, or has no room for another thread
            del self.since[address]

    def watch(self, address: str) -> None:
        """Watch a suspect until it answers; then it is none."""
        try:
            self.watch_node(address)
        finally:
            self.since.pop(address, None)

    def check(self, address: str) -> None:
        """Raise Unavailable for a suspect."""
        if address in self:
            seconds = time.monotonic() - self.since.get(address, time.monotonic())
            raise Unavailable(
                f"{UNREACHED}{address} has been silent for {seconds:.0f} s", sent=False
            )


def seed_address(text: str) -> str:
    """The address of a node from a URL; raises OddUrl for what names none."""
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise OddUrl("name one node, which tells of the others: redis+cluster://HOST:PORT")
    return format_address(parts.hostname, parts.port or 6379)


def node_address(host: bytes | None, port: int, source: str) -> str:
    """The address of a node in a reply of ``source``; its host is ``source`` itself if empty."""
    return format_address(host.decode(), port) if host else f"{host_of(source)}:{port}"


def host_of(address: str) -> str:
    """The host of an address, with its brackets."""
    return address.rpartition(":")[0]


def slot_of(command: Sequence[RawArg]) -> int:
    """The slot of the first key of a command."""
    return int(key_slot(str(first_key(command) or "").encode()))


def first_key(command: Sequence[RawArg]) -> RawArg | None:
    """The first key of a command; None if it has none."""
    position = 3 if command[0] in ("EVAL", "EVALSHA") else 1
    return command[position] if len(command) > position else None
