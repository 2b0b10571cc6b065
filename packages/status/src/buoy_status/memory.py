"""The ends of jobs that were run where they were enqueued (``BUOY_INLINE``): without a worker there
is no Redis to keep them, so this process does."""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from weakref import WeakKeyDictionary

from buoy import App, Job

from .store import likeness

MOST = 1_000
"""How many ends are remembered."""


@dataclass(slots=True)
class Memory:
    """The last jobs that one app has run inline."""

    records: OrderedDict[str, tuple[str, str, str]] = field(default_factory=OrderedDict)
    """Id -> queue, likeness, record."""
    lock: Lock = field(default_factory=Lock)

    def keep(self, job: Job, record: str) -> None:
        """Remember how a job ended."""
        with self.lock:
            self.records[job.id] = job.queue, likeness(job.name, job.identifier), record
            if len(self.records) > MOST:
                self.records.popitem(last=False)

    def latest(self, queue: str, like: str) -> str | None:
        """The id of the last job of this likeness."""
        with self.lock:
            for id, (found_queue, found, _) in reversed(self.records.items()):
                if (found_queue, found) == (queue, like):
                    return id
        return None


memories: WeakKeyDictionary[App, Memory] = WeakKeyDictionary()


def memory_of(app: App) -> Memory:
    """What was run inline by this app."""
    return memories.setdefault(app, Memory())
