"""Moving jobs to another queue, each in one hand at any moment."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .errors import CorruptPayload, EnqueueError
from .monitor import Monitor
from .packing import Entry, raw
from .payload import Payload
from .reservation import Settlement
from .transition import Transition

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

    def run(self) -> None:
        """Move all that is there; raises what Redis answers, with nothing lost."""
        for look in (self.monitor.peek, self.monitor.delayed):
            # Those that stay lie among the others, so each look is longer by them.
            while ids := [
                view.id
                for view in look(self.source, 0, PAGE + len(self.kept))
                if view.id not in self.kept
            ]:
                if not self.page(ids[:PAGE]):
                    break  # workers have taken them, or are about to

    def page(self, ids: Sequence[str]) -> int:
        taken = self.control.take(self.source, ids, self.holder)
        entries = [entry(each, self.target) for each in taken]
        try:
            answers = self.control.broker.enqueue(self.target, entries)
        except EnqueueError as error:
            if error.enqueued is False:
                self.settle([put_back(each, self.source) for each in reversed(taken)])
            raise
        pairs = list(zip(taken, answers, strict=True))
        self.settle([self.settlement(each, answer) for each, answer in reversed(pairs)])
        return len(taken)

    def settlement(self, each: "Taken", answer: str) -> Settlement:
        reason = self.reason(each, answer)
        if reason:
            self.kept[each.id] = reason
            return put_back(each, self.source)
        self.moved += 1
        return Settlement(each.id, each.token, self.source, "moved")

    def reason(self, each: "Taken", answer: str) -> str:
        """Why a job is not in the other queue, if it is not."""
        if answer.startswith("exists "):
            return f"job {answer[7:]} holds its claim in {self.target}"
        if answer == "exists" and self.monitor.find(each.id, self.target) is None:
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
        return Settlement(each.id, each.token, queue, "release")
    return Settlement(each.id, each.token, queue, "later", each.payload, each.wait)
