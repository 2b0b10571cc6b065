"""The plugin: what it attaches to the life of a job."""

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from buoy import Job, Later, Plugin, hookimpl
from buoy.model.checks import expect

from . import record, store

MOST_RESULT = 8 * 1024 * 1024
"""More than a job's process may hand over to its worker would cost the job its success."""


@dataclass(frozen=True)
class Status(Plugin):
    """Lets others know how a job stands, and what it returned.

    ``ttl``: seconds for which the end of a job is known. ``result``: keep what ``perform``
    returns, if that is at most ``max_result`` bytes of JSON.
    """

    ttl: float = 86_400
    result: bool = True
    max_result: int = 65_536

    def __post_init__(self) -> None:
        right = type(self.ttl) in (int, float) and 0 < self.ttl < 10**9
        expect(right, "Status.ttl", "more than 0 seconds, less than 10 ** 9", self.ttl)
        expect(type(self.result) is bool, "Status.result", "True or False", self.result)
        right = type(self.max_result) is int and 0 < self.max_result <= MOST_RESULT
        expect(right, "Status.max_result", f"1 to {MOST_RESULT} bytes", self.max_result)

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        store.enter(job, self.ttl)

    @hookimpl(wrapper=True)
    def around_perform(self, job: Job) -> Generator[None, Any, Any]:
        started_at = time.time()
        result = yield
        kept = record.done(job, started_at, result if self.result else None, self.max_result)
        self.keep(job, kept)
        return result

    @hookimpl(wrapper=True)
    def on_failure(
        self, job: Job, error: BaseException
    ) -> Generator[None, Later | None, Later | None]:
        verdict = None
        try:
            verdict = yield
        finally:
            if verdict is None or is_inline(job):
                self.keep(job, record.failed(job, error))
            else:
                job.carried["status"] = dict(record.told(error))
        return verdict

    def keep(self, job: Job, told: str) -> None:
        """Keep the record of an end where it will be looked for."""
        if is_inline(job):
            from .memory import memory_of

            memory_of(job.app).keep(job, told)
        else:
            store.end(job, told, self.ttl)


def is_inline(job: Job) -> bool:
    """Whether this is run where it was enqueued: that is the end of it, and no worker sees it."""
    return job.token.split(":")[1:2] == ["inline"]


def status_of(job: type[Job] | Job) -> Status | None:
    """The plugin as the class declares it, if it does."""
    return next((plugin for plugin in job.declared if isinstance(plugin, Status)), None)
