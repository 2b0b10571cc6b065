"""Moving jobs to another queue, each in one hand at any moment."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..broker.script_arguments import batches, raw
from ..errors import CorruptPayload, EnqueueError
from ..model.entry import Entry
from ..model.payload import Payload
from ..model.reservation import Settlement
from ..model.strict_json import is_text
from ..model.transition import Transition
from .monitor import Monitor

if TYPE_CHECKING:
    from .control import Control, Taken

PAGE = 100


@dataclass(slots=True)
class Move:
    """A move of waiting and delayed jobs, with their claims, to the tail of another queue.

    A job is taken as a worker takes it, stored in the other queue under its id, and only then
    forgotten here. Whoever dies in between loses a lease, and no job. ``kept``: id -> why that job
    stays.
    """

    control: "Control"
    monitor: Monitor
    source: str
    target: str
    holder: str
    moved: int = 0
    kept: dict[str, str] = field(default_factory=dict)
    waited: list[str] = field(default_factory=list)
    """Of those that stay the ones that waited, in their order."""

    def run(self) -> None:
        """Move all that is there; raises what Redis answers, with nothing lost."""
        for look in (self.monitor.queued_ids, self.monitor.delayed_ids):
            tried: set[str] = set()
            # Those that stay lie among the others, so each look is longer by them.
            while ids := [id for id in look(self.source, PAGE + len(tried)) if id not in tried]:
                tried |= {*ids} - self.page(ids)
        self.put_in_order()

    def page(self, ids: Sequence[str]) -> set[str]:
        """Move these, if they are still there; returns the ids of those that are moved."""
        self.kept |= {id: "its id is no UTF-8" for id in ids if not is_text(id)}
        taken = self.control.take(self.source, [*filter(is_text, ids)], self.holder)
        try:
            entries = [entry(each, self.target) for each in taken]
            answers = self.control.broker.enqueue(self.target, entries)
        except Exception as error:
            if not isinstance(error, EnqueueError) or error.enqueued is False:
                self.put_back(taken)
            raise
        pairs = zip(taken, answers, strict=True)
        settlements = [self.settlement(each, answer) for each, answer in pairs]
        self.settle(settlements[::-1])
        return {each.id for each in settlements if each.outcome == "moved"}

    def put_back(self, taken: Sequence["Taken"]) -> None:
        """Put jobs back in their order: each goes to the head."""
        for each in batches(taken[::-1]):
            self.settle([put_back(one, self.source) for one in each])

    def put_in_order(self) -> None:
        """Those that stay were put back page by page, the last page at the head."""
        if len(self.waited) > PAGE:
            pages = [
                self.control.take(self.source, ids, self.holder) for ids in batches(self.waited)
            ]
            self.put_back([each for page in pages for each in page])

    def settlement(self, each: "Taken", answer: str) -> Settlement:
        reason = self.reason(each, answer)
        if reason:
            self.kept[each.id] = reason
            if not each.due:
                self.waited.append(each.id)
            return put_back(each, self.source)
        self.moved += 1
        return Settlement(each.id, each.token, self.source, "moved")

    def reason(self, each: "Taken", answer: str) -> str:
        """Why a job is not in the other queue, if it is not."""
        if answer.startswith("exists "):
            return f"job {answer[7:]} holds its claim in {self.target}"
        if answer == "ended":
            return f"it was in {self.target} until moments ago; move it in two minutes"
        return ""

    def settle(self, settlements: Sequence[Settlement]) -> None:
        if settlements:
            self.control.settle(self.source, self.holder, settlements)


def entry(each: "Taken", queue: str) -> Entry:
    """The same job, as it enters another queue."""
    try:
        claims = Payload.decoded(each.payload).claims
    except CorruptPayload:
        claims = []
    return Entry(each.id, raw(each.payload), each.due, Transition(queue, claims=claims))


def put_back(each: "Taken", queue: str) -> Settlement:
    """The job as it was: at the head of those that wait, or due when it was due."""
    if not each.due:
        return Settlement(each.id, each.token, queue, "released")
    return Settlement(each.id, each.token, queue, "delayed", each.payload, each.wait)
