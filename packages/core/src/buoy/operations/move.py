"""Moves jobs to another queue. At each moment one holder has a job, or it lies in one queue."""

import os
import secrets
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..broker.script_arguments import decode_text, encode_text, split_batches
from ..connection.client import RedisSteps, single_reply
from ..connection.twins import steps_of
from ..errors import CorruptPayload, EnqueueError
from ..model.due import Due
from ..model.enqueue_answer import EnqueueAnswer
from ..model.entry import Entry
from ..model.payload import Payload
from ..model.reservation import Settlement
from ..model.strict_json import is_utf8
from ..model.transition import Transition
from .monitor import Monitor

if TYPE_CHECKING:
    from .control import Control, Taken

PAGE_SIZE = 100
"""How many jobs are moved at a time."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a move. ``count``: how many jobs are in the other queue. ``skipped``: id ->
    why this job stays."""

    count: int
    skipped: Mapping[str, str]


def holder_id() -> str:
    """Returns a new name for a move, as that of a worker, under which it holds jobs."""
    return f"move-{os.getpid()}-{secrets.token_hex(3)}"


@dataclass(slots=True)
class Move:
    """A move of all queued, blocked and delayed jobs, with their claims, to another queue's tail.

    It takes a job by a lease, as a worker does, stores it in the other queue under the same id, and
    only then removes it from this one. If the process dies in between, the leases run out and the
    jobs return to this queue.

    ``moved``: how many jobs are moved. ``skipped``: id -> why this job stays in its queue.
    """

    control: "Control"
    monitor: Monitor
    source: str
    target: str
    holder: str = field(default_factory=holder_id)
    moved: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    put_back_pages: list[list[str]] = field(default_factory=list)
    """The ids of queued jobs that were put back, in their order, by page."""
    in_lines: bool = False
    """Whether blocked jobs are moved. They return to their places in the lines of their limits."""

    def run(self, count: Callable[[int], object] = lambda _: None) -> RedisSteps[Moved]:
        """Moves all jobs that are there. ``count``: called after each page with the number of jobs
        that were moved.

        Raises EnqueueError or another BrokerError if Redis refuses; then the jobs that are not yet
        moved are still in their queue, or return to it when their leases run out.
        """
        monitor = self.monitor
        for next_ids in (monitor.queued_ids, monitor.blocked_ids, monitor.delayed_ids):
            self.in_lines = next_ids == monitor.blocked_ids
            tried: set[str] = set()
            while True:
                # Jobs that stay lie in front of the others, so each page must reach further.
                found = yield from steps_of(next_ids, self.source, PAGE_SIZE + len(tried))
                ids = [id for id in found if id not in tried]
                if not ids:
                    break
                moved = yield from self.move_page(ids)
                tried |= {*ids} - moved
                count(len(moved))
        yield from self.restore_order()
        return Moved(self.moved, self.skipped)

    def move_page(self, ids: Sequence[str]) -> RedisSteps[set[str]]:
        """Moves the jobs with these ids that are still there; returns the ids of moved jobs."""
        self.skipped |= {id: "its id is no UTF-8" for id in ids if not is_utf8(id)}
        taken = yield from self.take([*filter(is_utf8, ids)])
        try:
            entries = [entry(each, self.target) for each in taken]
            answers = yield from self.control.broker.enqueue_steps(self.target, entries)
        except Exception as error:
            if not isinstance(error, EnqueueError) or error.enqueued is False:
                yield from self.put_back(taken)
            raise
        others = yield from self.other_jobs(taken, answers)
        self.put_back_pages.append([])
        pairs = zip(taken, answers, strict=True)
        settlements = [self.settlement(each, answer, others) for each, answer in pairs]
        yield from self.settle(settlements if self.in_lines else settlements[::-1])
        return {each.id for each in settlements if each.outcome == "moved"}

    def other_jobs(
        self, taken: Sequence["Taken"], answers: Sequence[EnqueueAnswer]
    ) -> RedisSteps[set[str]]:
        """Returns the ids of these jobs under which the other queue has another job. A job that is
        there itself, since a move that died has stored it, is none of them."""
        pairs = zip(taken, answers, strict=True)
        known = [each for each, answer in pairs if answer.kind == "exists" and not answer.holder]
        if not known:
            return set()
        jobs, ids = self.monitor.keys.part(self.target, "jobs"), [each.id for each in known]
        stored = single_reply((yield [["HMGET", jobs, *ids]]))
        there = (decode_text(payload or b"") for payload in stored)
        return {
            each.id
            for each, payload in zip(known, there, strict=True)
            if not is_same_job(each.payload, payload)
        }

    def take(self, ids: Sequence[str]) -> RedisSteps[list["Taken"]]:
        return steps_of(self.control.take, self.source, ids, self.holder)

    def put_back(self, taken: Sequence["Taken"]) -> RedisSteps[None]:
        """Puts jobs back so that they keep their order: each queued one goes to the head."""
        for batch in split_batches(taken if self.in_lines else taken[::-1]):
            yield from self.settle([put_back(each, self.source) for each in batch])

    def restore_order(self) -> RedisSteps[None]:
        """Puts the jobs that stay into their order: each page was put back in front of the last."""
        pages = [page for page in self.put_back_pages if page]
        if len(pages) > 1:
            taken: list[Taken] = []
            for ids in pages:
                taken += yield from self.take(ids)
            yield from self.put_back(taken)

    def settlement(
        self, each: "Taken", answer: EnqueueAnswer, others: Container[str]
    ) -> Settlement:
        """Returns what happens with a job here, by the answer of the other queue. ``others``: see
        ``other_jobs``."""
        reason = self.reason(each, answer, others)
        if reason:
            self.skipped[each.id] = reason
            if not each.due and not self.in_lines:
                self.put_back_pages[-1].append(each.id)
            return put_back(each, self.source)
        self.moved += 1
        return Settlement(each.id, each.token, self.source, "moved")

    def reason(self, each: "Taken", answer: EnqueueAnswer, others: Container[str]) -> str:
        """Returns why a job is not in the other queue, or an empty text if it is."""
        if answer.holder:
            return f"job {answer.holder} holds its claim in {self.target}"
        if answer.kind == "ended":
            return f"it was in {self.target} until moments ago; move it in two minutes"
        if each.id in others:
            return f"another job in {self.target} has its id"
        return ""

    def settle(self, settlements: Sequence[Settlement]) -> RedisSteps[None]:
        """Settles jobs of the source queue."""
        if settlements:
            yield from steps_of(self.control.settle, self.source, self.holder, settlements)


def is_same_job(one: str, other: str) -> bool:
    """Whether two payloads are of one job, also if it was retried meanwhile: of one class, with
    equal arguments, and enqueued at one time. What cannot be read is only like itself."""
    try:
        first, second = origin_of(Payload.decoded(one)), origin_of(Payload.decoded(other))
    except CorruptPayload:
        return one == other
    return first == second


def origin_of(payload: Payload) -> tuple[Any, ...]:
    """Returns what an attempt of a job does not change."""
    return payload.name, payload.enqueued_at, payload.args, payload.kwargs, payload.sealed


def entry(each: "Taken", queue: str) -> Entry:
    """Returns a job in the form in which it enters another queue."""
    try:
        claims = Payload.decoded(each.payload).claims
    except CorruptPayload:
        claims = []
    transition = Transition(queue, claims=claims)
    due = Due.parse(each.due or each.since)
    return Entry(each.id, encode_text(each.payload), "", due, transition)


def put_back(each: "Taken", queue: str) -> Settlement:
    """Returns the settlement that puts a job back where it was.

    A queued job goes to the head of its queue, a blocked one into its line; a delayed one keeps its
    due time, also if a pace has given it that.
    """
    due = float(each.due or 0) / 1000
    return Settlement(each.id, each.token, queue, "released", wait=due)
