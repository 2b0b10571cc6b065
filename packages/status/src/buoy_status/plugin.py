"""The plugin: what it attaches to the life of a job."""

import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from buoy import Job, Later, Plugin, hookimpl
from buoy.config import expect

from . import record, store


@dataclass(frozen=True)
class Status(Plugin):
    """Lets others know how a job stands, and what it returned.

    ``ttl``: seconds for which the end of a job is known. ``result``: keep what ``perform``
    returns, if that is at most ``max_result`` bytes of JSON.
    """

    ttl: float | timedelta = 86_400
    result: bool = True
    max_result: int = 65_536

    def __post_init__(self) -> None:
        expect(0 < self.seconds < 10**9, "Status.ttl", "more than 0 seconds", self.ttl)
        expect(self.max_result > 0, "Status.max_result", "more than 0 bytes", self.max_result)

    @property
    def seconds(self) -> float:
        """For how long the end of a job is known."""
        return self.ttl.total_seconds() if isinstance(self.ttl, timedelta) else self.ttl

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        store.enter(job, self.seconds)

    @hookimpl(wrapper=True)
    def around_perform(self, job: Job) -> Generator[None, Any, Any]:
        started_at = time.time()
        result = yield
        kept = record.succeeded(job, started_at, result if self.result else None, self.max_result)
        store.end(job, kept, self.seconds)
        return result

    @hookimpl(wrapper=True)
    def on_failure(
        self, job: Job, error: BaseException
    ) -> Generator[None, Later | None, Later | None]:
        verdict = None
        try:
            verdict = yield
        finally:
            if verdict is None:
                store.end(job, record.failed(job, error), self.seconds)
            else:
                job.carried["status"] = dict(record.told(error))
        return verdict


def status_of(job: type[Job] | Job) -> Status | None:
    """The plugin as the class declares it, if it does."""
    return next((plugin for plugin in job.declared if isinstance(plugin, Status)), None)
