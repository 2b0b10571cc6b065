"""What is known of a cluster: its nodes, which of them has which slot, and which of them hang.

A conversation neither waits nor sends by itself: it is a generator that yields what to ask which
nodes, all at once. So the same one is had by a client that blocks and by one that awaits.
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
from ..text.urls import OddUrl, parsed
from .client import Word
from .server import Elsewhere, address_of, reason

T = TypeVar("T")
Commands = Sequence[Sequence[Word]]
Parcels = Mapping[str, Commands]
"""Commands for each of some nodes, by address."""
Answers = dict[str, list[Any]]
"""The replies of each node; in the place of one that did not come, why."""
Nodes = Generator[Parcels, Answers, T]

PATIENCE = 1.0
"""Seconds that one of several nodes may take for a reply, while others wait for the end."""
REDIRECTIONS = 5
UNREACHED = "Redis cannot be reached: "
ASKED = 3
"""So many nodes are asked at once where the slots are."""


class Topology:
    """What all links of an app know of its cluster. ``scout`` watches a node that hangs, until it
    does so no more; it is called in a thread of its own."""

    def __init__(self, url: str, scout: Callable[[str], object]) -> None:
        parts = parsed(url)
        login, at, hosts = parts.netloc.rpartition("@")
        if parts.path.strip("/") not in ("", "0"):
            raise OddUrl("a cluster has no databases: expected nothing behind the hosts")
        self.parts = parts._replace(scheme=parts.scheme.removesuffix("+cluster"), path="")
        self.login = login + at
        self.seeds = [seed(host) for host in hosts.split(",")]
        self.known: Sequence[str] = self.seeds
        self.slots: Mapping[int, str] = {}
        self.ranges: Any = None
        self.stale = True
        self.turn = 0
        self.suspects = Suspects(scout)

    def url_of(self, address: str) -> str:
        return self.parts._replace(netloc=self.login + address).geturl()

    # Where the slots are

    def learning(self, busy: Container[str] = ()) -> Nodes[Mapping[int, str]]:
        """Ask some nodes, and if need be others, who serves which slot; most of them are right.
        Those that are ``busy`` are let be."""
        errors: list[Unavailable] = []
        nodes = [node for node in self.candidates() if node not in busy]
        for first in range(0, len(nodes), ASKED):
            asked = nodes[first : first + ASKED]
            answers = yield {address: [["CLUSTER", "SLOTS"]] for address in asked}
            told = [(repr(reply), address, reply) for address, [reply] in answers.items()]
            errors += [reply for _, _, reply in told if isinstance(reply, Unavailable)]
            maps = [each for each in told if each[2] and not isinstance(each[2], Unavailable)]
            if maps:
                votes = Counter(text for text, _, _ in maps)
                self.take_in(*max(maps, key=lambda each: votes[each[0]])[1:])
                return self.slots
        why = str(errors[-1]).removeprefix(UNREACHED) if errors else "it knows of none"
        raise Unavailable(
            f"{UNREACHED}none of {len(nodes)} nodes tells where the slots are: {why}", sent=False
        )

    def candidates(self) -> list[str]:
        """The nodes to ask, each time another first; those that hang, if there are no others."""
        self.turn += 1
        start = self.turn % len(self.known)
        nodes = [*self.known[start:], *self.known[:start]]
        return [node for node in nodes if node not in self.suspects] or nodes

    def take_in(self, teller: str, ranges: Any) -> None:
        if isinstance(ranges, BrokerError):
            raise BrokerError(
                f"{teller} does not tell where the slots of a cluster are: {reason(ranges)}; "
                "BUOY_URL of a single server starts with redis://"
            )
        self.stale = False
        if ranges == self.ranges:
            return
        slots: dict[int, str] = {}
        known = dict.fromkeys(self.seeds)
        for first, last, *nodes in ranges:
            there = [place(host, port, teller) for host, port, *_ in nodes]
            slots |= dict.fromkeys(range(first, last + 1), there[0])
            known |= dict.fromkeys(there)
        self.slots, self.known, self.ranges = slots, list(known), ranges

    def is_primary(self, address: str) -> bool:
        return address in self.slots.values()

    def missed(self, address: str, *, silent: bool) -> None:
        """Note that a node gave no answer: another one may have taken its place."""
        self.stale = True
        if silent:
            self.suspects.add(address)

    # Where a command goes

    def routing(self, commands: Commands) -> Nodes[list[Any]]:
        """Ask for each command the node that has its slot."""
        if self.stale:
            yield from self.relearning()
        there: dict[str, list[int]] = {}
        home = self.anywhere()
        for number, words in enumerate(commands):
            home = home if key_of(words) is None else self.home(words)
            there.setdefault(home, []).append(number)
        answers = yield {node: [commands[n] for n in numbers] for node, numbers in there.items()}
        replies: dict[int, Any] = {}
        for node, numbers in there.items():
            for number, reply in zip(numbers, answers[node], strict=True):
                replies[number] = yield from self.follow(node, commands[number], reply)
        return [replies[number] for number in range(len(commands))]

    def relearning(self) -> Nodes[None]:
        try:
            yield from self.learning()
        except Unavailable:
            if not self.slots:
                raise

    def home(self, words: Sequence[Word]) -> str:
        """The address of the node for a command; one without a key goes with the one before it."""
        return self.slots.get(slot_of(words)) or self.seeds[0]

    def anywhere(self) -> str:
        nodes = dict.fromkeys(self.slots.values())
        return next((node for node in nodes if node not in self.suspects), self.seeds[0])

    def follow(self, node: str, words: Sequence[Word], reply: Any) -> Nodes[Any]:
        """The reply of the node that the slot has moved to, if it has."""
        for _ in range(REDIRECTIONS):
            if not isinstance(reply, Elsewhere):
                break
            self.stale = self.stale or not reply.once
            asking = [["ASKING"]] if reply.once else []
            same_host = reply.address.startswith(":")
            node = host_of(node) + reply.address if same_host else reply.address
            reply = (yield {node: [*asking, words]})[node][-1]
        if isinstance(reply, Elsewhere):
            return Unavailable(f"slots of the cluster are moving: {reason(reply)}", sent=False)
        self.stale = self.stale or isinstance(reply, Unavailable)
        return reply


class Suspects:
    """Nodes that did not answer in time: until they do, nobody waits for them."""

    def __init__(self, scout: Callable[[str], object]) -> None:
        self.scout = scout
        self.since: dict[str, float] = {}
        self.owner = os.getpid()

    def __contains__(self, address: str) -> bool:
        if self.owner != os.getpid():  # who forks has no threads of the other
            self.since, self.owner = {}, os.getpid()
        return address in self.since

    def add(self, address: str) -> None:
        """Wait for this node no more, but have it watched."""
        if address in self:
            return
        scout = threading.Thread(target=self.watch, args=[address], name="buoy-scout", daemon=True)
        self.since[address] = time.monotonic()
        try:
            scout.start()
        except RuntimeError:  # the process ends, or has no room for another thread
            del self.since[address]

    def watch(self, address: str) -> None:
        try:
            self.scout(address)
        finally:
            self.since.pop(address, None)

    def check(self, address: str) -> None:
        """Raises Unavailable for a suspect."""
        if address in self:
            seconds = time.monotonic() - self.since.get(address, time.monotonic())
            raise Unavailable(
                f"{UNREACHED}{address} has been silent for {seconds:.0f} s", sent=False
            )


def seed(text: str) -> str:
    """The address of a node, as a URL names it."""
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise OddUrl("name one node, which tells of the others: redis+cluster://HOST:PORT")
    return address_of(parts.hostname, parts.port or 6379)


def place(host: bytes | None, port: int, teller: str) -> str:
    """The address of a node; one that does not know its own host has that of who told of it."""
    return address_of(host.decode(), port) if host else f"{host_of(teller)}:{port}"


def host_of(address: str) -> str:
    return address.rpartition(":")[0]


def slot_of(words: Sequence[Word]) -> int:
    """The slot of a command: of its first key."""
    return int(key_slot(str(key_of(words) or "").encode()))


def key_of(words: Sequence[Word]) -> Word | None:
    """The first key of a command, if it has one."""
    position = 3 if words[0] in ("EVAL", "EVALSHA") else 1
    return words[position] if len(words) > position else None
