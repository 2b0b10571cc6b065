"""Read-only views of queues, jobs and workers. Commands and dashboards read Redis only by these."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from ..broker.script_arguments import ScriptArguments, decode_text, encode_text
from ..broker.scripts import run_scripts
from ..connection.client import RawArg, check_replies
from ..errors import CorruptPayload, Unavailable
from ..model.names import is_queue
from ..model.payload import Payload
from ..model.reservation import worker_in
from ..model.strict_json import is_utf8
from .reader import Reader
from .views import ClaimView, JobState, JobView, QueueView, WorkerView, job_view, worker_view

PAGE_SIZE = 500


class Monitor(Reader):
    """Reads the queues, jobs and workers of one namespace.

    All methods raise BrokerError if Redis does not answer.
    """

    def queue_names(self) -> list[str]:
        """Return the names of all queues to which anything was ever enqueued, sorted."""
        names = [decode_text(name) for name in self.client.call("SMEMBERS", self.keys.queues())]
        for name in names:
            if not is_queue(name):
                reason = f"expected names of queues, got {name!r:.80}"
                self.report_skipped(self.keys.queues(), reason)
        return sorted(filter(is_queue, names))

    def knows(self, queue: str) -> bool:
        """Return whether anything was ever enqueued to this queue, or it was paused."""
        parts = self.keys.parts(queue, "jobs", "meta")
        commands: list[list[RawArg]] = [
            ["SISMEMBER", self.keys.queues(), queue],
            ["EXISTS", *parts],
        ]
        return any(check_replies(self.client.calls(commands)))

    def queues(self, names: Iterable[str] | None = None) -> list[QueueView]:
        """Return the counts of these queues, or of all known ones.

        Raises Unavailable if a node of the cluster is away.
        """
        views, missed = self.count_queues(names)
        return check_replies([*missed.values(), *views])

    def count_queues(
        self, names: Iterable[str] | None = None
    ) -> tuple[list[QueueView], dict[str, Unavailable]]:
        """Return the counts of queues, and by name the errors of queues on nodes that are away."""
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
        """Return the counts of a queue from the replies to COUNTS."""
        keys = [self.keys.part(name, part) for _, part, *_ in COUNTS]
        *sizes, meta = map(self.readable, keys, replies)
        done, rejected, paused = meta or (None, None, None)
        queued, delayed, running, failed = (int(size or 0) for size in sizes)
        done, rejected = (int(self.number(keys[-1], counter)) for counter in (done, rejected))
        paused = paused is not None
        return QueueView(name, queued, delayed, running, failed, done, rejected, paused)

    def find(self, id: str, queue: str | None = None) -> JobView | None:
        """Return a job, or None if no queue knows it. Without ``queue``, search all queues."""
        if not is_utf8(id):  # an argument of a command may be no UTF-8
            return None
        for name in [queue] if queue else self.queue_names():
            act = self.broker.script_call("find", name, ScriptArguments([id]))
            reply = self.readable(name, run_scripts(self.client, [act])[0])
            if reply and reply[1]:
                payload, state, detail = map(decode_text, reply)
                return job_view(name, id, payload, state, detail)
        return None

    def claims(self, queue: str) -> Iterator[ClaimView]:
        """Return all claims that jobs of a queue hold, not sorted."""
        for name, id in self.hash_items(queue, "claims"):
            if name.startswith(">"):
                yield ClaimView(name[1:], decode_text(id), queue)

    def holder(self, queue: str, claim: str) -> str | None:
        """Return the id of the job that holds a claim, or None."""
        found = self.ask(self.keys.part(queue, "claims"), "HGET", encode_text(f">{claim}"))
        return None if found is None else decode_text(found)

    def peek(self, queue: str, start: int = 0, count: int = 10) -> list[JobView]:
        """Return queued jobs, the next one first."""
        key = self.keys.part(queue, "queued")
        ids = self.ask(key, "LRANGE", start, start + count - 1) if count > 0 else []
        return self.read_views(queue, [(id, None) for id in ids or ()], "queued")

    def queued_ids(self, queue: str, count: int) -> list[str]:
        """Return the ids of the next ``count`` queued jobs, in their order."""
        ids = self.ask(self.keys.part(queue, "queued"), "LRANGE", 0, count - 1)
        return [decode_text(id) for id in ids or ()]

    def delayed_ids(self, queue: str, count: int) -> list[str]:
        """Return the ids of the ``count`` delayed jobs that are due next."""
        ids = self.ask(self.keys.part(queue, "delayed"), "ZRANGE", 0, count - 1)
        return [decode_text(id) for id in ids or ()]

    def delayed(self, queue: str, start: int = 0, count: int = 10) -> list[JobView]:
        """Return delayed jobs, the one that is due next first."""
        return self.jobs_page(queue, "delayed", start, count)

    def failed(self, queues: Iterable[str] | None = None) -> Iterator[JobView]:
        """Return failed jobs, queue by queue, the oldest failure first; see ``each``."""
        return self.each("failed", queues)

    def each(
        self, state: Literal["delayed", "failed"], queues: Iterable[str] | None = None
    ) -> Iterator[JobView]:
        """Return all delayed or failed jobs, queue by queue, in the order of their times.

        Lists the jobs that are there at the start; reads their payloads in pages. The caller may
        change jobs meanwhile.
        """
        for queue in self.queue_names() if queues is None else queues:
            yield from self.jobs_in(queue, state)

    def jobs_in(
        self, queue: str, state: Literal["delayed", "failed"], *, last_first: bool = False
    ) -> Iterator[JobView]:
        """Return all delayed or failed jobs of one queue, in the order of their times."""
        found = self.ask(self.keys.part(queue, state), "ZRANGE", 0, -1, "WITHSCORES") or []
        pairs = list(zip(found[::2], found[1::2], strict=True))
        if last_first:
            pairs.reverse()
        for first in range(0, len(pairs), PAGE_SIZE):
            yield from self.read_views(queue, pairs[first : first + PAGE_SIZE], state)

    def jobs_page(self, queue: str, state: JobState, start: int, count: int) -> list[JobView]:
        """Return ``count`` delayed or failed jobs, after the first ``start`` of them."""
        key = self.keys.part(queue, state)
        if count <= 0:
            return []
        found = self.ask(key, "ZRANGE", start, start + count - 1, "WITHSCORES") or []
        pairs = [(found[n], found[n + 1]) for n in range(0, len(found), 2)]
        return self.read_views(queue, pairs, state)

    def read_views(
        self, queue: str, pairs: list[tuple[bytes, Any]], state: JobState
    ) -> list[JobView]:
        """Return the views of jobs by id and score. Skips jobs that are elsewhere by now."""
        if not pairs:
            return []
        ids = [id for id, _ in pairs]
        payloads: list[bytes | None] = []
        for first in range(0, len(ids), PAGE_SIZE):  # a command has no room for all ids
            some = ids[first : first + PAGE_SIZE]
            payloads += self.ask(self.keys.part(queue, "jobs"), "HMGET", *some) or [None] * len(
                some
            )
        return [
            job_view(queue, decode_text(id), decode_text(payload), state, decode_text(score or b""))
            for (id, score), payload in zip(pairs, payloads, strict=True)
            if payload is not None  # the job is somewhere else by now
        ]

    def ids_of_class(self, name: str, identifier: str | None = None) -> dict[str, list[str]]:
        """Return by queue the ids of all jobs of a class (with this identifier), in any state."""
        found: dict[str, list[str]] = {}
        for queue in self.queue_names():
            for id, payload in self.payloads(queue):
                same = identifier is None or payload.identified() == identifier
                if payload.name == name and same:
                    found.setdefault(queue, []).append(id)
        return found

    def payloads(self, queue: str) -> Iterator[tuple[str, Payload]]:
        """Return all jobs of a queue, not sorted. Skips payloads that cannot be read."""
        for id, payload in self.hash_items(queue, "jobs"):
            try:
                yield id, Payload.decoded(decode_text(payload))
            except CorruptPayload:
                continue

    def hash_items(self, queue: str, part: str) -> Iterator[tuple[str, bytes]]:
        """Return the fields and values of a hash, read in pages."""
        cursor: Any = 0
        key = self.keys.part(queue, part)
        while True:
            cursor, found = self.ask(key, "HSCAN", cursor, "COUNT", PAGE_SIZE) or (0, ())
            for n in range(0, len(found), 2):
                yield decode_text(found[n]), found[n + 1]
            if int(cursor) == 0:
                return

    def workers(self) -> list[WorkerView]:
        """Return all workers, except those that have ended in order."""
        found = self.client.call("ZRANGE", self.keys.workers(), 0, -1, "WITHSCORES")
        beats = dict(zip(map(decode_text, found[::2]), map(float, found[1::2]), strict=True))
        if not beats:
            return []
        running = self.running()
        found = self.client.calls([["HGETALL", encode_text(self.keys.worker(id))] for id in beats])
        views = [
            self.worker_view(id, fields, beats[id] / 1000, running.get(id, []))
            for id, fields in zip(beats, found, strict=True)
        ]
        return [view for view in views if view is not None]

    def worker_view(
        self, id: str, reply: Any, beat_at: float, running: list[str]
    ) -> WorkerView | None:
        """Return the view of a worker, or None if its registration cannot be read."""
        fields = self.readable(f"worker {id}", reply)
        try:
            return None if fields is None else worker_view(id, fields, beat_at, running)
        except (ValueError, OverflowError) as error:
            self.report_skipped(f"worker {id}", error)
            return None

    def running(self) -> dict[str, list[str]]:
        """Return the ids of the jobs in flight, by worker."""
        found: dict[str, list[str]] = {}
        for queue in self.queue_names():
            key = self.keys.part(queue, "tokens")
            words = [decode_text(word) for word in self.ask(key, "HGETALL") or ()]
            for id, token in zip(words[::2], words[1::2], strict=True):
                if worker := worker_in(token):
                    found.setdefault(worker, []).append(id)
                else:
                    self.report_skipped(key, f"expected a token of job {id}, got {token!r:.80}")
        return found


COUNTS = (
    ("LLEN", "queued"),
    ("ZCARD", "delayed"),
    ("ZCARD", "leases"),
    ("ZCARD", "failed"),
    ("HMGET", "meta", "done", "rejected", "paused"),
)
"""The commands that count a queue: command, part of the queue, fields."""
