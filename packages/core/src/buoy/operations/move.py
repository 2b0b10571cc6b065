"""Moves jobs to another queue. At each moment one holder has a job, or it lies in one queue."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..broker.script_arguments import encode_text, split_batches
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


@dataclass(slots=True)
class Move:
    """A move of all queued and delayed jobs, with their claims, to the tail of another queue.

    It takes a job by a lease, as a worker does, stores it in the other queue under the same id, and
    only then removes it from this one. If the process dies in between, the leases run out and the
    jobs return to this queue.

    ``moved``: how many jobs are moved. ``skipped``: id -> why this job stays in its queue.
    """

    control: "Control"
    monitor: Monitor
    source: str
    target: str
    holder: str
    moved: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    put_back_pages: list[list[str]] = field(default_factory=list)
    """The ids of queued jobs that were put back, in their order, by page."""

    def run(self) -> None:
        """Move all jobs that are there.

        Raises EnqueueError or another BrokerError if Redis refuses; then the jobs that are not yet
        moved are still in their queue, or return to it when their leases run out.
        """
        for next_ids in (self.monitor.queued_ids, self.monitor.delayed_ids):
            tried: set[str] = set()
            # Jobs that stay lie in front of the others, so each page must reach further.
            while ids := [
                id for id in next_ids(self.source, PAGE_SIZE + len(tried)) if id not in tried
            ]:
                tried |= {*ids} - self.move_page(ids)
        self.restore_order()

    def move_page(self, ids: Sequence[str]) -> set[str]:
        """Move the jobs with these ids that are still there; returns the ids of moved jobs."""
        self.skipped |= {id: "its id is no UTF-8" for id in ids if not is_utf8(id)}
        taken = self.control.take(self.source, [*filter(is_utf8, ids)], self.holder)
        try:
            entries = [entry(each, self.target) for each in taken]
            answers = self.control.broker.enqueue(self.target, entries)
        except Exception as error:
            if not isinstance(error, EnqueueError) or error.enqueued is False:
                self.put_back(taken)
            raise
        self.put_back_pages.append([])
        pairs = zip(taken, answers, strict=True)
        settlements = [self.settlement(each, answer) for each, answer in pairs]
        self.settle(settlements[::-1])
        return {each.id for each in settlements if each.outcome == "moved"}

    def put_back(self, taken: Sequence["Taken"]) -> None:
        """Put jobs back so that they keep their order: each goes to the head of the queue."""
        for batch in split_batches(taken[::-1]):
            self.settle([put_back(each, self.source) for each in batch])

    def restore_order(self) -> None:
        """Put the jobs that stay into their order: each page was put back in front of the last."""
        pages = [page for page in self.put_back_pages if page]
        if len(pages) > 1:
            self.put_back(
                [job for ids in pages for job in self.control.take(self.source, ids, self.holder)]
            )

    def settlement(self, each: "Taken", answer: EnqueueAnswer) -> Settlement:
        """Return what happens with a job here, by the answer of the other queue."""
        reason = self.reason(each, answer)
        if reason:
            self.skipped[each.id] = reason
            if not each.due:
                self.put_back_pages[-1].append(each.id)
            return put_back(each, self.source)
        self.moved += 1
        return Settlement(each.id, each.token, self.source, "moved")

    def reason(self, each: "Taken", answer: EnqueueAnswer) -> str:
        """Return why a job is not in the other queue, or an empty text if it is."""
        if answer.holder:
            return f"job {answer.holder} holds its claim in {self.target}"
        if answer.kind == "ended":
            return f"it was in {self.target} until moments ago; move it in two minutes"
        return ""

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Settle jobs of the source queue."""
        if settlements:
            self.control.settle(self.source, self.holder, settlements)


def entry(each: "Taken", queue: str) -> Entry:
    """Return a job in the form in which it enters another queue."""
    try:
        claims = Payload.decoded(each.payload).claims
    except CorruptPayload:
        claims = []
    transition = Transition(queue, claims=claims)
    return Entry(each.id, encode_text(each.payload), Due.parse(each.due), transition)


def put_back(each: "Taken", queue: str) -> Settlement:
    """Return the settlement that puts a job back where it was.

    A queued job goes to the head of its queue; a delayed one keeps its due time.
    """
    if not each.due:
        return Settlement(each.id, each.token, queue, "released")
    return Settlement(each.id, each.token, queue, "delayed", each.payload, each.wait)
