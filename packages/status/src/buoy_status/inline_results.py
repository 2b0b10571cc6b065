"""Keeps in memory how inline jobs ended (``BUOY_INLINE``): inline mode uses no Redis."""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from weakref import WeakKeyDictionary

from buoy import App, Job

from .store import identity_digest

MAX_RECORDS = 1_000
"""How many ended jobs of an app are kept."""


@dataclass(slots=True)
class InlineResults:
    """The last jobs that one app has run inline."""

    records: OrderedDict[str, tuple[str, str, str]] = field(default_factory=OrderedDict)
    """Id -> queue, identity digest, record."""
    lock: Lock = field(default_factory=Lock)

    def keep(self, job: Job, record: str) -> None:
        """Keep the record of a job's end; forget the oldest one if there are too many."""
        with self.lock:
            self.records[job.id] = job.queue, identity_digest(job.name, job.identifier), record
            if len(self.records) > MAX_RECORDS:
                self.records.popitem(last=False)

    def latest(self, queue: str, digest: str) -> str | None:
        """Returns the id of the last job with this identity digest; None if there is none."""
        with self.lock:
            for id, (found_queue, found, _) in reversed(self.records.items()):
                if (found_queue, found) == (queue, digest):
                    return id
        return None


results_by_app: WeakKeyDictionary[App, InlineResults] = WeakKeyDictionary()


def inline_results_of(app: App) -> InlineResults:
    return results_by_app.setdefault(app, InlineResults())
