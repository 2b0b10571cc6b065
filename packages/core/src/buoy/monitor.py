"""Read-only views of what lies in Redis; the command line and the dashboard use only this."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from .broker import Broker
from .connect import accepted
from .errors import CorruptPayload
from .packing import text
from .payload import Payload

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
    """A job and where it is. ``at``: when it is due or when it failed (epoch seconds)."""

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
    raw: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker as it describes itself, and the ids of the jobs in its hands.

    ``gone`` when its heartbeat stopped without a goodbye.
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


class Monitor:
    """What can be known of one namespace."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.keys, self.link = broker.keys, broker.link

    def queue_names(self) -> list[str]:
        """All queues that anything was ever pushed to."""
        return sorted(name.decode() for name in self.link.call("SMEMBERS", self.keys.queues()))

    def queues(self, names: Iterable[str] | None = None) -> list[QueueView]:
        """Queues in numbers: all known ones, or these."""
        names = self.queue_names() if names is None else list(names)
        views = []
        for name in names:
            key = {part: self.keys.part(name, part) for part in PARTS}
            counts = ["done", "rejected", "paused"]
            waiting, delayed, running, failed, meta = accepted(
                self.link.calls(
                    [
                        ["LLEN", key["ready"]],
                        ["ZCARD", key["delayed"]],
                        ["ZCARD", key["leases"]],
                        ["ZCARD", key["failed"]],
                        ["HMGET", key["meta"], *counts],
                    ]
                )
            )
            done, rejected, paused = meta
            views.append(
                QueueView(
                    *(name, waiting, delayed, running, failed),
                    *(int(done or 0), int(rejected or 0), paused is not None),
                )
            )
        return views

    def find(self, id: str, queue: str | None = None) -> JobView | None:
        """Where a job is; without its queue all known queues are asked."""
        for name in [queue] if queue else self.queue_names():
            found = self.broker.find(name, id)
            if found:
                return job_view(name, id, *found)
        return None

    def peek(self, queue: str, start: int = 0, count: int = 10) -> list[JobView]:
        """Jobs that wait, the next one first."""
        key = self.keys.part(queue, "ready")
        ids = self.link.call("LRANGE", key, start, start + count - 1) if count > 0 else []
        return self.views(queue, [(id, None) for id in ids], "waiting")

    def delayed(self, queue: str, start: int = 0, count: int = 10) -> list[JobView]:
        """Delayed jobs, the next due first."""
        return self.page(queue, "delayed", start, count)

    def failed(self, queues: Iterable[str] | None = None) -> Iterator[JobView]:
        """Failed jobs, queue by queue, the oldest first; payloads are read in pages.

        Whoever reads may meanwhile retry or remove them: those that are there at first are listed.
        """
        for queue in self.queue_names() if queues is None else queues:
            found = self.link.call("ZRANGE", self.keys.part(queue, "failed"), 0, -1, "WITHSCORES")
            pairs = list(zip(found[::2], found[1::2], strict=True))
            for first in range(0, len(pairs), PAGE):
                yield from self.views(queue, pairs[first : first + PAGE], "failed")

    def page(self, queue: str, place: Place, start: int, count: int) -> list[JobView]:
        key = self.keys.part(queue, place)
        found = self.link.call("ZRANGE", key, start, start + count - 1, "WITHSCORES")
        pairs = [(found[n], found[n + 1]) for n in range(0, len(found), 2)]
        return self.views(queue, pairs, place)

    def views(self, queue: str, pairs: list[tuple[bytes, Any]], place: Place) -> list[JobView]:
        if not pairs:
            return []
        ids = [id for id, _ in pairs]
        payloads = self.link.call("HMGET", self.keys.part(queue, "jobs"), *ids)
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
        cursor: Any = 0
        while True:
            key = self.keys.part(queue, "jobs")
            cursor, found = self.link.call("HSCAN", key, cursor, "COUNT", PAGE)
            for n in range(0, len(found), 2):
                try:
                    yield found[n].decode(), Payload.decoded(text(found[n + 1]))
                except CorruptPayload:
                    continue
            if int(cursor) == 0:
                return

    def workers(self) -> list[WorkerView]:
        """All workers that have not said goodbye."""
        ids = [id.decode() for id in self.link.call("ZRANGE", self.keys.workers(), 0, -1)]
        running = self.running()
        views = []
        for id in ids:
            told, beat = accepted(
                self.link.calls(
                    [
                        ["HGETALL", self.keys.worker(id)],
                        ["ZSCORE", self.keys.workers(), id],
                    ]
                )
            )
            if beat is not None:
                views.append(worker_view(id, told, float(beat) / 1000, running.get(id, [])))
        return views

    def running(self) -> dict[str, list[str]]:
        """The ids of the jobs in hand, by worker."""
        found: dict[str, list[str]] = {}
        for queue in self.queue_names():
            pairs = self.link.call("HGETALL", self.keys.part(queue, "runs"))
            for n in range(0, len(pairs), 2):
                worker = pairs[n + 1].decode().split(":")[1]
                found.setdefault(worker, []).append(pairs[n].decode())
        return found


PARTS = ("ready", "delayed", "leases", "failed", "meta")


def job_view(queue: str, id: str, raw_text: str, place: str, detail: str) -> JobView:
    """A payload and its place, as they lie in Redis, in a form to be read."""
    shelf = raw_fields(raw_text)
    try:
        payload = Payload.decoded(raw_text)
    except CorruptPayload:
        payload = Payload("", [], {}, id, failure=shelf.get("failure"))
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
        raw=str(shelf.get("raw", raw_text)),
    )


def raw_fields(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


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
        gone=not said,
        running=running,
    )
