"""The way to a cluster: a link to each node, and where the slots are."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from redis.crc import key_slot

from .errors import Unavailable
from .link import Word, only
from .urls import OddUrl
from .wire import Elsewhere, ServerLink, address_of

REDIRECTIONS = 5


class ClusterLink:
    """A way to a cluster: a link to each node, and where the slots are."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.parts = urlsplit(url.replace("redis+cluster:", "redis:", 1))
        login, at, self.seed = self.parts.netloc.rpartition("@")
        if not self.seed or "," in self.seed:
            raise OddUrl("name one node, which tells of the others: redis+cluster://HOST:PORT")
        self.login = login + at
        self.nodes: dict[str, ServerLink] = {}
        self.slots: dict[int, str] = {}
        self.node(self.seed)

    def node(self, address: str) -> ServerLink:
        url = self.parts._replace(netloc=self.login + address).geturl()
        return self.nodes.get(address) or self.nodes.setdefault(address, ServerLink(url))

    def learn(self) -> dict[int, str]:
        """Ask the nodes, one after the other, who serves which slot."""
        error = None
        for address in (self.seed, *self.nodes):
            try:
                ranges = self.node(address).call("CLUSTER", "SLOTS")
            except Unavailable as unavailable:
                error = unavailable
                continue
            slots: dict[int, str] = {}
            for first, last, (host, port, *_), *_ in ranges:
                there = address_of(host.decode(), port) if host else address
                slots |= dict.fromkeys(range(first, last + 1), there)
            return slots
        raise error or Unavailable("Redis cannot be reached", sent=False)

    def call(self, *words: Word) -> Any:
        return only(self.calls([words]))

    def calls(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        slots = self.slots = self.slots or self.learn()
        there: dict[str, list[int]] = {}
        for number, words in enumerate(commands):
            there.setdefault(slots.get(slot_of(words), self.seed), []).append(number)
        replies: dict[int, Any] = {}
        for address, numbers in there.items():
            answers = self.ask(address, [commands[number] for number in numbers])
            replies |= zip(numbers, answers, strict=True)
        return [self.follow(words, replies[number]) for number, words in enumerate(commands)]

    def ask(self, address: str, commands: Sequence[Sequence[Word]]) -> list[Any]:
        try:
            return self.node(address).calls(commands)
        except Unavailable as error:
            self.slots = {}
            return [error] * len(commands)

    def follow(self, words: Sequence[Word], reply: Any) -> Any:
        """The reply of the node that the slot has moved to, if it has."""
        for _ in range(REDIRECTIONS):
            if not isinstance(reply, Elsewhere):
                break
            asking = [["ASKING"]] if reply.once else []
            self.slots = self.slots if reply.once else {}
            reply = self.ask(reply.address, [*asking, words])[-1]
        return reply

    def together(self, queues: Sequence[str]) -> list[Sequence[str]]:
        return [[queue] for queue in queues]

    def close(self) -> None:
        for node in list(self.nodes.values()):
            node.close()


def slot_of(words: Sequence[Word]) -> int:
    """The slot of a command: of its first key."""
    position = 3 if words[0] in ("EVAL", "EVALSHA") else 1
    return int(key_slot(str(words[position]).encode())) if len(words) > position else 0
