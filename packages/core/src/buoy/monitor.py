"""Read-only views of what lies in Redis; the command line and the dashboard use only this."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .canonical import is_text
from .errors import BrokerError, CorruptPayload
from .link import accepted
from .packing import Packing, text
from .payload import Payload, unshelved

if TYPE_CHECKING:
    from .broker import Broker

PAGE = 500
Place = Literal["waiting", "delayed", "retrying", "running", "failed"]


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue in numbers; ``done`` and ``rejected`` count since the queue exists."""

    name: str
    waiting: int
    delayed: int
    running: int
    failed: int
    done: int
    rejected: int
    paused: bool


@dataclass(frozen=True, slots=True)
class JobView:
    """A job and where it is. ``at``: when it is due or when it failed (epoch seconds); ``carried``:
    what plugins keep with it."""

    id: str
    queue: str
    state: Place
    name: str | None
    args: list[Any]
    kwargs: dict[str, Any]
    attempt: int
    identifier: str | None
    enqueued_at: float
    at: float | None
    token: str | None
    failure: dict[str, Any]
    carried: dict[str, dict[str, Any]]
    raw: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker as it describes itself, and the ids of the jobs in its hands.

    ``gone`` when its heartbeat stopped without a goodbye. ``wish``: what it was last told by
    ``buoy workers``.
    """

    id: str
    host: str
    pid: int
    queues: str
    executor: str
    slots: int
    state: str
    started_at: float
    beat_at: float
    gone: bool
    running: list[str]
    wish: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim, and the job that holds it."""

    claim: str
    id: str
    queue: str


class Monitor:
    """What can be known of one namespace."""

    def __init__(self, broker: "Broker", *, brisk: bool = False) -> None:
        self.broker = broker
        self.keys, self.link = broker.keys, broker.brisk if brisk else broker.link

    def queue_names(self) -> list[str]:
        """All queues that anything was ever pushed to."""
        return sorted(name.decode() for name in self.link.call("SMEMBERS", self.keys.queues()))

    def queues(self, names: Iterable[str] | None = None) -> list[QueueView]:
        """Queues in numbers: all known ones, or these."""
        views, missed = self.counted(names)
        accepted(list(missed.values()))
        return views

    def counted(
        self, names: Iterable[str] | None = None
    ) -> tuple[list[QueueView], dict[str, BrokerError]]:
        """Queues in numbers, and why others cannot be counted: of a cluster, a part may be away."""
        names = self.queue_names() if names is None else list(names)
        commands = [
            [command, self.keys.part(name, part), *fields]
            for name in names
            for command, part, *fields in COUNTS
        ]
        replies = iter(self.link.calls(commands) if commands else [])
        views: list[QueueView] = []
        missed: dict[str, BrokerError] = {}
        for name in names:
            counts = [next(replies) for _ in COUNTS]
            refused = [each for each in counts if isinstance(each, BrokerError)]
            if refused:
                missed[name] = refused[0]
            else:
                views.append(queue_view(name, *counts))
        return views, missed

    def find(self, id: str, queue: str | None = None) -> JobView | None:
        """Where a job is; without its queue all known queues are asked."""
        if not is_text(id):  # so an argument of a command that is no UTF-8
            return None
        for name in [queue] if queue else self.queue_names():
            found = [text(word) for word in self.broker.run("find", name, Packing([id]))]
            if found:
                payload, place, detail = found
                return job_view(name, id, payload, place, detail)
        return None

    def claims(self, queue: str) -> Iterator[ClaimView]:
        """All claims that jobs of a queue hold, in no order."""
        for name, id in self.pairs(queue, "claims"):
            if name.startswith(">"):
                yield ClaimView(name[1:], text(id), queue)

    def holder(self, queue: str, claim: str) -> str | None:
        """The id of the job that holds a claim, or that is the latest of its key."""
        found = self.link.call("HGET", self.keys.part(queue, "claims"), f">{claim}")
        return None if found is None else text(found)

    def peek(self, queue: str, start: int = 0, count: int = 10) -> list[JobView]:
        """Jobs that wait, the next one first."""
        key = self.keys.part(queue, "ready")
        ids = self.link.call("LRANGE", key, start, start + count - 1) if count > 0 else []
        return self.views(queue, [(id, None) for id in ids], "waiting")

    def delayed(self, queue: str, start: int = 0, count: int = 10) -> list[JobView]:
        """Delayed jobs, the next due first."""
        return self.page(queue, "delayed", start, count)

    def failed(self, queues: Iterable[str] | None = None) -> Iterator[JobView]:
        """Failed jobs, queue by queue, the oldest first; see ``each``."""
        return self.each("failed", queues)

    def each(
        self, place: Literal["delayed", "failed"], queues: Iterable[str] | None = None
    ) -> Iterator[JobView]:
        """All jobs of a place, queue by queue, by their time; payloads are read in pages.

        Whoever reads may meanwhile change them: those that are there at first are listed.
        """
        for queue in self.queue_names() if queues is None else queues:
            found = self.link.call("ZRANGE", self.keys.part(queue, place), 0, -1, "WITHSCORES")
            pairs = list(zip(found[::2], found[1::2], strict=True))
            for first in range(0, len(pairs), PAGE):
                yield from self.views(queue, pairs[first : first + PAGE], place)

    def page(self, queue: str, place: Place, start: int, count: int) -> list[JobView]:
        key = self.keys.part(queue, place)
        if count <= 0:
            return []
        found = self.link.call("ZRANGE", key, start, start + count - 1, "WITHSCORES")
        pairs = [(found[n], found[n + 1]) for n in range(0, len(found), 2)]
        return self.views(queue, pairs, place)

    def views(self, queue: str, pairs: list[tuple[bytes, Any]], place: Place) -> list[JobView]:
        if not pairs:
            return []
        ids = [id for id, _ in pairs]
        payloads: list[bytes | None] = []
        for first in range(0, len(ids), PAGE):  # one command has room for a million words
            key = self.keys.part(queue, "jobs")
            payloads += self.link.call("HMGET", key, *ids[first : first + PAGE])
        return [
            job_view(queue, id.decode(), text(payload), place, text(score or b""))
            for (id, score), payload in zip(pairs, payloads, strict=True)
            if payload is not None  # it has moved on since
        ]

    def ids_of(self, name: str, identifier: str | None = None) -> dict[str, list[str]]:
        """The jobs of a class (with this identifier), by queue, wherever they are."""
        found: dict[str, list[str]] = {}
        for queue in self.queue_names():
            for id, payload in self.scan(queue):
                same = identifier is None or payload.identified() == identifier
                if payload.name == name and same:
                    found.setdefault(queue, []).append(id)
        return found

    def scan(self, queue: str) -> Iterator[tuple[str, Payload]]:
        """All jobs of a queue, in no order, without those whose payload cannot be read."""
        for id, payload in self.pairs(queue, "jobs"):
            try:
                yield id, Payload.decoded(text(payload))
            except CorruptPayload:
                continue

    def pairs(self, queue: str, part: str) -> Iterator[tuple[str, bytes]]:
        """The fields of a hash, read in pages."""
        cursor: Any = 0
        while True:
            key = self.keys.part(queue, part)
            cursor, found = self.link.call("HSCAN", key, cursor, "COUNT", PAGE)
            for n in range(0, len(found), 2):
                yield text(found[n]), found[n + 1]
            if int(cursor) == 0:
                return

    def workers(self) -> list[WorkerView]:
        """All workers that have not said goodbye."""
        found = self.link.call("ZRANGE", self.keys.workers(), 0, -1, "WITHSCORES")
        beats = {
            id.decode(): float(at) / 1000 for id, at in zip(found[::2], found[1::2], strict=True)
        }
        if not beats:
            return []
        running = self.running()
        cards = accepted(self.link.calls([["HGETALL", self.keys.worker(id)] for id in beats]))
        return [
            worker_view(id, card, beats[id], running.get(id, []))
            for id, card in zip(beats, cards, strict=True)
        ]

    def running(self) -> dict[str, list[str]]:
        """The ids of the jobs in hand, by worker."""
        found: dict[str, list[str]] = {}
        for queue in self.queue_names():
            pairs = self.link.call("HGETALL", self.keys.part(queue, "runs"))
            for n in range(0, len(pairs), 2):
                worker = pairs[n + 1].decode().split(":")[1]
                found.setdefault(worker, []).append(pairs[n].decode())
        return found


COUNTS = (
    ("LLEN", "ready"),
    ("ZCARD", "delayed"),
    ("ZCARD", "leases"),
    ("ZCARD", "failed"),
    ("HMGET", "meta", "done", "rejected", "paused"),
)
"""How a queue is counted: command, part of the queue, fields."""


def queue_view(
    name: str, waiting: int, delayed: int, running: int, failed: int, meta: list[bytes | None]
) -> QueueView:
    done, rejected, paused = meta
    counted = (int(done or 0), int(rejected or 0), paused is not None)
    return QueueView(name, waiting, delayed, running, failed, *counted)


def job_view(queue: str, id: str, raw_text: str, place: str, detail: str) -> JobView:
    """A payload and its place, as they lie in Redis, in a form to be read."""
    try:
        payload = Payload.decoded(raw_text)
    except CorruptPayload:
        raw_text, failure = unshelved(raw_text)
        payload = Payload("", [], {}, id, failure=failure)
    retrying = place == "delayed" and payload.attempt > 1
    return JobView(
        id=id,
        queue=queue,
        state="retrying" if retrying else place,  # type: ignore[arg-type]  # one of lua/find.lua
        name=payload.name or None,
        args=payload.args,
        kwargs=payload.kwargs,
        attempt=payload.attempt,
        identifier=payload.identified() if payload.name else None,
        enqueued_at=payload.enqueued_at,
        at=float(detail) / 1000 if place in ("delayed", "failed") else None,
        token=detail if place == "running" else None,
        failure=payload.failure or {},
        carried=payload.plugins,
        raw=raw_text,
    )


def worker_view(id: str, told: list[bytes], beat_at: float, running: list[str]) -> WorkerView:
    said = {told[n].decode(): told[n + 1].decode() for n in range(0, len(told), 2)}
    return WorkerView(
        id=id,
        host=said.get("host", id.split("-", maxsplit=1)[0]),
        pid=int(said.get("pid", 0)),
        queues=said.get("queues", ""),
        executor=said.get("executor", ""),
        slots=int(said.get("slots", 0)),
        state=said.get("state", "gone"),
        started_at=float(said.get("started_at", 0)),
        beat_at=beat_at,
        gone="state" not in said,
        running=running,
        wish=said["wish"].split(" ")[0] if "wish" in said else None,
    )
