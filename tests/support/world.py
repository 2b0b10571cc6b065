"""One queue as a test sees it: jobs go in by their ids, and each is found in its place."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from buoy.broker.broker import Broker
from buoy.broker.script_arguments import ScriptArguments
from buoy.connection.client import Client
from buoy.model.due import Due
from buoy.model.entry import Entry
from buoy.model.payload import class_in
from buoy.model.reservation import (
    OutcomeWord,
    Reservation,
    RoundTripReply,
    RoundTripRequest,
    Settlement,
)
from buoy.model.transition import CommandArg, Transition
from buoy.operations.control import Control
from buoy.operations.monitor import Monitor

LEASE = 30_000
"""Milliseconds of the default lease."""

RECOVERY = LEASE * 4 // 3
"""Milliseconds after which the jobs of a dead worker are back, where another one lives."""

VISITS = 20
"""Visits after which it is back, where workers only come and go."""

HEALING = LEASE // 20 + 1
"""Milliseconds after which a queue is healed again."""


class World:
    """A broker, the nodes of its Redis, and one queue. Times are in milliseconds."""

    def __init__(self, broker: Broker, nodes: Sequence[Client], queue: str = "mail") -> None:
        self.broker, self.nodes, self.queue = broker, nodes, queue
        self.control, self.monitor = Control(broker), Monitor(broker)
        self.numbers = count(1)
        self.late = False
        """Whether the last beat has found a holder that missed one."""

    # Acts

    def enqueue(
        self,
        *ids: str,
        due: str = "",
        payload: bytes = b"",
        claims: Sequence[tuple[str, str]] = (),
        newer: Sequence[tuple[str, int]] = (),
        then: Sequence[Sequence[CommandArg]] = (),
        max_length: int | None = None,
    ) -> list[str]:
        """Enqueue a job for each id; the payload is that of all, or made of the id."""
        transition = Transition(self.queue)
        transition.claims = [[key, until] for key, until in claims]
        for field, number in newer:
            transition.newer(field, number)
        for command, part, *words in then:
            transition.then(str(command), self.key(str(part)), *words)
        name = class_in((payload or payload_of("")).decode(errors="surrogateescape"))
        entries = [
            Entry(id, payload or payload_of(id), name, Due.parse(due), transition) for id in ids
        ]
        return [str(answer) for answer in self.broker.enqueue(self.queue, entries, max_length)]

    def trip(
        self,
        wanted: int = 0,
        *settlements: Settlement,
        worker: str = "one",
        hands: int = 0,
        number: int | None = None,
        again: bool = False,
    ) -> RoundTripReply:
        """One round trip of a worker to the queue."""
        number = next(self.numbers) if number is None else number
        advance = RoundTripRequest(self.queue, number, wanted, hands, list(settlements), again)
        return self.broker.advance_queue(worker, advance)

    def take(self, wanted: int = 1, worker: str = "one", hands: int = 0) -> list[Reservation]:
        """Reserve so many jobs."""
        return self.trip(wanted, worker=worker, hands=hands).reservations

    def take_one(self, worker: str = "one") -> Reservation:
        [held] = self.take(worker=worker)
        return held

    def settle(self, held: Reservation, outcome: OutcomeWord, **facts: Any) -> list[str]:
        """Say what became of a job; returns the ids that are refused."""
        if outcome in ("delayed", "failed"):
            facts.setdefault("payload", held.payload)
        answer = self.trip(0, Settlement.of(held, outcome, **facts))
        return [each.id for each in answer.refused]

    def beat(self, *held: Reservation) -> list[str]:
        """Renew these leases; returns the ids that are held no more."""
        beaten = self.broker.heartbeat({self.queue: held}, [])
        self.late = beaten.late == [self.queue]
        return [each.id for each in beaten.lost]

    def lose(self, id: str, times: int) -> None:
        """Let a job, the only one in the queue, lose so many leases."""
        for _ in range(times):
            assert [held.id for held in self.take(worker="dying")] == [id]
            self.live_on(RECOVERY)

    def live_on(self, milliseconds: int) -> None:
        """Let time pass while some other worker beats as often as workers do."""
        while milliseconds > 0:
            passed = min(LEASE // 30 if self.late else LEASE // 3, milliseconds)
            milliseconds -= passed
            self.wait(passed)
            self.beat()

    def use_up(self) -> None:
        """Let all leases end: the next look finds them so. Their ends are written: what ends by the
        clock may end just before the last look, or is extended if this process has paused."""
        self.call("ZADD", "leases", "XX", *[word for id in self.running for word in (1, id)])
        self.wait(HEALING)

    def wait(self, milliseconds: int) -> None:
        """Let time pass, or go back, while nobody looks."""
        self.broker.clock_offset_ms += milliseconds

    def find(self, id: str) -> tuple[str, str, str] | None:
        """Payload and place of a job, and what is known of the place."""
        found = decoded(self.broker.run_script("find", self.queue, ScriptArguments([id])))
        return (found[0], found[1], found[2]) if found[1] else None

    # What lies in Redis

    def key(self, part: str) -> str:
        return self.broker.keys.part(self.queue, part)

    def call(self, command: str, part: str, *words: CommandArg) -> Any:
        """Send a command on a key of the queue."""
        return self.broker.client.call(command, self.key(part), *words)

    def everywhere(self, *words: CommandArg) -> None:
        """Send a command to every node."""
        for node in self.nodes:
            node.call(*words)

    @property
    def queued(self) -> list[str]:
        """In the order in which they will run."""
        return self.monitor.queued_ids(self.queue, 100_000)

    @property
    def delayed(self) -> list[str]:
        return decoded(self.call("ZRANGE", "delayed", 0, -1))

    @property
    def failed(self) -> list[str]:
        return decoded(self.call("ZRANGE", "failed", 0, -1))

    @property
    def running(self) -> list[str]:
        """In the order in which their leases end."""
        return decoded(self.call("ZRANGE", "leases", 0, -1))

    def left(self) -> int:
        """The milliseconds for which the last lease lasts."""
        [_, deadline] = self.call("ZRANGE", "leases", -1, -1, "WITHSCORES")
        return round(float(deadline)) - self.now()

    def now(self) -> int:
        """The time by which leases end."""
        seconds, micros = self.broker.client.call("TIME")
        return int(seconds) * 1000 + int(micros) // 1000 + self.broker.clock_offset_ms

    @property
    def tokens(self) -> dict[str, str]:
        return pairs(self.call("HGETALL", "tokens"))

    @property
    def jobs(self) -> dict[str, str]:
        return pairs(self.call("HGETALL", "jobs"))

    @property
    def claims(self) -> dict[str, str]:
        """The claims that are held, and by whom."""
        found = pairs(self.call("HGETALL", "claims"))
        return {key[1:]: id for key, id in found.items() if key.startswith(">")}

    @property
    def meta(self) -> dict[str, str]:
        return pairs(self.call("HGETALL", "meta"))

    def take_wakeup(self) -> bool:
        """Take the wakeup from the list; returns whether there was one."""
        assert self.call("LLEN", "wakeup") in (0, 1)
        return self.call("LPOP", "wakeup") is not None


def payload_of(id: str) -> bytes:
    return f'{{"class":"Job","args":[],"id":"{id}"}}'.encode()


def decoded(replies: list[bytes]) -> list[str]:
    return [reply.decode() for reply in replies]


def pairs(replies: list[bytes]) -> dict[str, str]:
    return dict(zip(decoded(replies[::2]), decoded(replies[1::2]), strict=True))


def done(held: Reservation) -> Settlement:
    return Settlement.of(held, "done")
