"""Read-only views of what lies in Redis; the command line and the dashboard use only this."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..broker.script_arguments import Packing, raw, text
from ..broker.scripts import run_scripts
from ..connection.client import Word, accepted
from ..errors import CorruptPayload, Unavailable
from ..model.names import is_queue
from ..model.payload import Payload, unshelved
from ..model.strict_json import is_text
from .reader import Reader

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
    detail: str = field(default="", repr=False)
    """What Redis says of its place, as it is: a score, or the token of its run."""


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


class Monitor(Reader):
    """What can be known of one namespace."""

    def queue_names(self) -> list[str]:
        """All queues that anything was ever pushed to."""
        names = [text(name) for name in self.client.call("SMEMBERS", self.keys.queues())]
        for name in names:
            if not is_queue(name):
                self.pass_over(self.keys.queues(), f"expected names of queues, got {name!r:.80}")
        return sorted(filter(is_queue, names))

    def knows(self, queue: str) -> bool:
        """Whether there is such a queue: anything was ever pushed to it, or it was paused."""
        parts = self.keys.parts(queue, "jobs", "meta")
        commands: list[list[Word]] = [["SISMEMBER", self.keys.queues(), queue], ["EXISTS", *parts]]
        return any(accepted(self.client.calls(commands)))

    def queues(self, names: Iterable[str] | None = None) -> list[QueueView]:
        """Queues in numbers: all known ones, or these."""
        views, missed = self.counted(names)
        return accepted([*missed.values(), *views])

    def counted(
        self, names: Iterable[str] | None = None
    ) -> tuple[list[QueueView], dict[str, Unavailable]]:
        """Queues in numbers, and why others, on nodes that are away, are not counted."""
        names = self.queue_names() if names is None else list(names)
        commands = [
            [command, self.keys.part(name, part), *fields]
            for name in names
            for command, part, *fields in COUNTS
        ]
        replies = iter(self.client.calls(commands) if commands else [])
        counts = {name: [next(replies) for _ in COUNTS] for name in names}
        # All counts of a queue come from one node.
        missed = {n: each[0] for n, each in counts.items() if isinstance(each[0], Unavailable)}
        views = [self.queue_view(n, each) for n, each in counts.items() if n not in missed]
        return views, missed

    def queue_view(self, name: str, replies: Sequence[Any]) -> QueueView:
        keys = [self.keys.part(name, part) for _, part, *_ in COUNTS]
        *sizes, meta = map(self.readable, keys, replies)
        done, rejected, paused = meta or (None, None, None)
        waiting, delayed, running, failed = (int(size or 0) for size in sizes)
        done, rejected = (int(self.number(keys[-1], counter)) for counter in (done, rejected))
        paused = paused is not None
        return QueueView(name, waiting, delayed, running, failed, done, rejected, paused)

    def find(self, id: str, queue: str | None = None) -> JobView | None:
        """Where a job is; without its queue all known queues are asked."""
        if not is_text(id):  # so an argument of a command that is no UTF-8
            return None
        for name in [queue] if queue else self.queue_names():
            act = self.broker.act("find", name, Packing([id]))
            reply = self.readable(name, run_scripts(self.client, [act])[0])
            if reply:
                payload, place, detail = map(text, reply)
                return job_view(name, id, payload, place, detail)
        return None

    def claims(self, queue: str) -> Iterator[ClaimView]:
        """All claims that jobs of a queue hold, in no order."""
        for name, id in self.pairs(queue, "claims"):
            if name.startswith(">"):
                yield ClaimView(name[1:], text(id), queue)

    def holder(self, queue: str, claim: str) -> str | None:
        """The id of the job that holds a claim, or that is the latest of its key."""
        found = self.ask(self.keys.part(queue, "claims"), "HGET", raw(f">{claim}"))
        return None if found is None else text(found)

    def peek(self, queue: str, start: int = 0, count: int = 10) -> list[JobView]:
        """Jobs that wait, the next one first."""
        key = self.keys.part(queue, "ready")
        ids = self.ask(key, "LRANGE", start, start + count - 1) if count > 0 else []
        return self.views(queue, [(id, None) for id in ids or ()], "waiting")

    def waiting_ids(self, queue: str, count: int) -> list[str]:
        """The ids of the next jobs, as they lie there."""
        ids = self.ask(self.keys.part(queue, "ready"), "LRANGE", 0, count - 1)
        return [text(id) for id in ids or ()]

    def delayed_ids(self, queue: str, count: int) -> list[str]:
        """The ids of the delayed jobs that are due next."""
        ids = self.ask(self.keys.part(queue, "delayed"), "ZRANGE", 0, count - 1)
        return [text(id) for id in ids or ()]

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
            yield from self.all_of(queue, place)

    def all_of(
        self, queue: str, place: Literal["delayed", "failed"], *, last_first: bool = False
    ) -> Iterator[JobView]:
        """All jobs of a place of one queue, by their time."""
        found = self.ask(self.keys.part(queue, place), "ZRANGE", 0, -1, "WITHSCORES") or []
        pairs = list(zip(found[::2], found[1::2], strict=True))
        if last_first:
            pairs.reverse()
        for first in range(0, len(pairs), PAGE):
            yield from self.views(queue, pairs[first : first + PAGE], place)

    def page(self, queue: str, place: Place, start: int, count: int) -> list[JobView]:
        key = self.keys.part(queue, place)
        if count <= 0:
            return []
        found = self.ask(key, "ZRANGE", start, start + count - 1, "WITHSCORES") or []
        pairs = [(found[n], found[n + 1]) for n in range(0, len(found), 2)]
        return self.views(queue, pairs, place)

    def views(self, queue: str, pairs: list[tuple[bytes, Any]], place: Place) -> list[JobView]:
        if not pairs:
            return []
        ids = [id for id, _ in pairs]
        payloads: list[bytes | None] = []
        for first in range(0, len(ids), PAGE):  # one command has room for a million words
            some = ids[first : first + PAGE]
            payloads += self.ask(self.keys.part(queue, "jobs"), "HMGET", *some) or [None] * len(
                some
            )
        return [
            job_view(queue, text(id), text(payload), place, text(score or b""))
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
        key = self.keys.part(queue, part)
        while True:
            cursor, found = self.ask(key, "HSCAN", cursor, "COUNT", PAGE) or (0, ())
            for n in range(0, len(found), 2):
                yield text(found[n]), found[n + 1]
            if int(cursor) == 0:
                return

    def workers(self) -> list[WorkerView]:
        """All workers that have not said goodbye."""
        found = self.client.call("ZRANGE", self.keys.workers(), 0, -1, "WITHSCORES")
        beats = dict(zip(map(text, found[::2]), map(float, found[1::2]), strict=True))
        if not beats:
            return []
        running = self.running()
        cards = self.client.calls([["HGETALL", raw(self.keys.worker(id))] for id in beats])
        views = [
            self.worker_view(id, card, beats[id] / 1000, running.get(id, []))
            for id, card in zip(beats, cards, strict=True)
        ]
        return [view for view in views if view is not None]

    def worker_view(
        self, id: str, card: Any, beat_at: float, running: list[str]
    ) -> WorkerView | None:
        told = self.readable(f"worker {id}", card)
        try:
            return None if told is None else worker_view(id, told, beat_at, running)
        except (ValueError, OverflowError) as error:
            self.pass_over(f"worker {id}", error)
            return None

    def running(self) -> dict[str, list[str]]:
        """The ids of the jobs in hand, by worker."""
        found: dict[str, list[str]] = {}
        for queue in self.queue_names():
            key = self.keys.part(queue, "runs")
            words = [text(word) for word in self.ask(key, "HGETALL") or ()]
            for id, token in zip(words[::2], words[1::2], strict=True):
                if token.count(":") < 2:
                    self.pass_over(key, f"expected a token of job {id}, got {token!r:.80}")
                else:
                    found.setdefault(token.split(":")[1], []).append(id)
        return found


COUNTS = (
    ("LLEN", "ready"),
    ("ZCARD", "delayed"),
    ("ZCARD", "leases"),
    ("ZCARD", "failed"),
    ("HMGET", "meta", "done", "rejected", "paused"),
)
"""How a queue is counted: command, part of the queue, fields."""


def job_view(queue: str, id: str, raw_text: str, place: str, detail: str) -> JobView:
    """A payload and its place, as they lie in Redis, in a form to be read."""
    try:
        payload = Payload.decoded(raw_text)
        same = payload.identified() if payload.name else None
    except (CorruptPayload, RecursionError):
        raw_text, failure = unshelved(raw_text)
        payload, same = Payload("", [], {}, id, failure=failure), None
    retrying = place == "delayed" and payload.attempt > 1
    return JobView(
        id=id,
        queue=queue,
        state="retrying" if retrying else place,  # type: ignore[arg-type]  # one of lua/find.lua
        name=payload.name or None,
        args=payload.args,
        kwargs=payload.kwargs,
        attempt=payload.attempt,
        identifier=same,
        enqueued_at=payload.enqueued_at,
        at=float(detail) / 1000 if place in ("delayed", "failed") else None,
        token=detail if place == "running" else None,
        failure=payload.failure or {},
        carried=payload.plugins,
        raw=raw_text,
        detail=detail,
    )


def worker_view(id: str, told: list[bytes], beat_at: float, running: list[str]) -> WorkerView:
    said = {text(told[n]): text(told[n + 1]) for n in range(0, len(told), 2)}
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
