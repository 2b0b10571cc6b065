"""Fills Redis as a large installation does: many queues, workers, failures, delayed jobs, counts.

What lies in Redis for one real job in each place is read there, and stored again under other ids.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from buoy import App, Job
from buoy.broker.keys import Keys
from buoy.testing import FakeWorker, drain
from buoy_loner import Loner

CHUNK = 1000
SHARE = 0.5
"""The first queue has this part of all jobs; the others share the rest."""
DAY = 86_400_000
PERIODS = {"minutes": (60, 1440), "hours": (3600, 744), "days": (86_400, 366)}
"""Part of a queue -> the seconds of a period, and how many of them are kept."""
KEYS = Keys()


class Charge(Job):
    """The job of which all others are copies."""

    queue = "example"
    plugins = [Loner()]

    def perform(self, order: int, card: str = "") -> None:
        if order < 0:
            raise ValueError(f"order {order} was not found")


@dataclass(frozen=True)
class Size:
    """How much there is of each."""

    queues: int
    workers: int
    failed: int
    delayed: int
    running: int
    claims: int

    def scaled(self, scale: float) -> "Size":
        """Returns a smaller size, which has at least one of each."""
        numbers = (max(1, int(number * scale)) for number in vars(self).values())
        return Size(*numbers)


CONTRACT = Size(
    queues=200, workers=500, failed=100_000, delayed=1_000_000, running=500, claims=100_000
)


@dataclass(frozen=True)
class Example:
    """A job as Redis holds it."""

    id: str
    payload: str
    claims: Mapping[str, str]

    def copies(self, ids: Sequence[str]) -> dict[str, str]:
        """Returns the payload for each of these ids."""
        before, _, behind = self.payload.partition(self.id)
        return {id: f"{before}{id}{behind}" for id in ids}


def fill(app: App, client: Any, size: Size) -> None:
    """Fill an empty Redis. ``client``: of redis-py, for this Redis."""
    Crowd(app, client, size).fill()


class Crowd:
    """See ``fill``."""

    def __init__(self, app: App, client: Any, size: Size) -> None:
        self.app, self.client, self.size = app, client, size
        self.names = [f"queue{number:03}" for number in range(size.queues)]
        self.now = round(time.time() * 1000)
        Charge.app = app

    def fill(self) -> None:
        failed, delayed, row = self.failed_example(), self.delayed_example(), self.row_example()
        self.client.flushdb()
        self.client.sadd(KEYS.queues(), *self.names)
        self.jobs("failed", failed, self.size.failed, lambda n: self.now - n % DAY)
        self.jobs("delayed", delayed, self.size.delayed, lambda n: self.now + DAY + n // 10)
        self.claims(delayed)
        self.workers()
        self.running(delayed)
        for name in self.names:
            self.counted(name, row)

    # Examples

    def failed_example(self) -> Example:
        handle = Charge.enqueue(-1, card="4111 1111 1111 1111")
        drain(self.app, Charge.queue)
        return self.example(handle.id)

    def delayed_example(self) -> Example:
        return self.example(Charge.using(delay=DAY).enqueue(4711, card="4111 1111 1111 1111").id)

    def example(self, id: str) -> Example:
        jobs, claims = (KEYS.part(Charge.queue, part) for part in ("jobs", "claims"))
        held = self.client.hgetall(claims)
        fields = {field.decode(): value.decode() for field, value in held.items()}
        return Example(id, self.client.hget(jobs, id).decode(), fields)

    def row_example(self) -> str:
        """Returns what was counted in a minute; the time is moved on, so that it ends."""
        worker = FakeWorker(self.app, Charge.queue)
        Charge.enqueue(1)
        worker.heal()
        worker.run(worker.take())
        self.app.broker.clock_offset_ms += 60_000
        worker.heal()
        self.app.broker.clock_offset_ms = 0
        rows = self.client.zrange(KEYS.part(Charge.queue, "minutes"), 0, 0)
        return str(rows[0].decode())

    # Copies

    def shares(self, count: int) -> Iterator[tuple[str, int]]:
        """Returns how many of so many jobs each queue gets."""
        first, *others = self.names
        great = int(count * SHARE) if others else count
        yield first, great
        for number, name in enumerate(others):
            yield name, (count - great) // len(others) + (number < (count - great) % len(others))

    def jobs(self, part: str, example: Example, count: int, score: Callable[[int], int]) -> None:
        for name, share in self.shares(count):
            for first in range(0, share, CHUNK):
                numbers = range(first, min(first + CHUNK, share))
                ids = [f"{part}{number:021}" for number in numbers]
                pipe = self.client.pipeline(transaction=False)
                pipe.hset(KEYS.part(name, "jobs"), mapping=example.copies(ids))
                scores = dict(zip(ids, map(score, numbers), strict=True))
                pipe.zadd(KEYS.part(name, part), scores)
                pipe.execute()

    def claims(self, example: Example) -> None:
        """Let delayed jobs hold claims."""
        claim = next(field[1:] for field in example.claims if field.startswith(">"))
        for name, share in self.shares(self.size.claims):
            numbers = iter(range(share))
            while some := list(islice(numbers, CHUNK)):
                fields: dict[str, str] = {}
                for number in some:
                    id, held = f"delayed{number:021}", f"{claim[:-8]}{number:08}"
                    fields |= {f">{held}": id, f"<{id}": held}
                self.client.hset(KEYS.part(name, "claims"), mapping=fields)

    def workers(self) -> None:
        pipe = self.client.pipeline(transaction=False)
        for number in range(self.size.workers):
            id, queue = worker_id(number), self.names[number % len(self.names)]
            card = {"host": f"host{number % 50}", "pid": number, "queues": queue}
            card |= {"executor": "fork", "slots": 1, "state": "running", "memory": 30_000_000}
            card |= {"started_at": self.now / 1000 - 3600, "counts": '{"done":1234,"failed":5}'}
            pipe.zadd(KEYS.workers(), {id: self.now})
            pipe.hset(KEYS.worker(id), mapping=card)
        pipe.execute()

    def running(self, example: Example) -> None:
        pipe = self.client.pipeline(transaction=False)
        for number in range(self.size.running):
            id, name = f"running{number:021}", self.names[number % len(self.names)]
            token = f"{number}@{self.now}:{worker_id(number % self.size.workers)}:1"
            pipe.hset(KEYS.part(name, "jobs"), mapping=example.copies([id]))
            pipe.hset(KEYS.part(name, "tokens"), id, token)
            pipe.zadd(KEYS.part(name, "leases"), {id: self.now + DAY})
        pipe.execute()

    def counted(self, name: str, row: str) -> None:
        """Store the counts of the past, of one class."""
        before, _, behind = row.partition('"at":')
        behind = behind.lstrip("0123456789")
        pipe = self.client.pipeline(transaction=False)
        for part, (seconds, kept) in PERIODS.items():
            last = self.now // 1000 // seconds
            numbers = range(last - kept, last)
            rows = {f'{before}"at":{number}{behind}': number for number in numbers}
            pipe.zadd(KEYS.part(name, part), rows)
        meta = {"done": 1_000_000, "seen": self.now, "classes": f'["{Charge.name}"]'}
        meta |= {f"enqueued:{Charge.name}": 1_000_000}
        meta |= {f"counts:{Charge.name}": '{"done":1000000,"waiting":{"1":1000000}}'}
        pipe.hset(KEYS.part(name, "meta"), mapping=meta)
        pipe.execute()


def worker_id(number: int) -> str:
    return f"host{number % 50}-{number}-{number:06x}"
