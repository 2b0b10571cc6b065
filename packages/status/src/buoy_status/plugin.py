"""The plugin Status: its additions to each change of a job's state."""

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from buoy import Job, Later, Plugin, hookimpl
from buoy.plugins import expect, expect_flags, plugins_of
from buoy.plugins.redis import RedisSteps

from . import record, store
from .report import report_steps
from .state import Number

LARGEST_RESULT = 8 * 1024 * 1024
"""Bytes. A job's process cannot pass more to its worker: the job would fail."""


@dataclass(frozen=True)
class Status(Plugin):
    """Lets other processes ask for the state of a job and for what it returned.

    ``ttl``: seconds for which the end of a job is kept. ``result``: whether to keep what
    ``perform`` returns, if it is at most ``max_result`` bytes of JSON.
    """

    ttl: float = 86_400
    result: bool = True
    max_result: int = 65_536

    def __post_init__(self) -> None:
        right = type(self.ttl) in (int, float) and 0 < self.ttl < 10**9
        expect(right, "Status.ttl", "more than 0 seconds, less than 10 ** 9", self.ttl)
        expect_flags(self, "result")
        right = type(self.max_result) is int and 0 < self.max_result <= LARGEST_RESULT
        expect(right, "Status.max_result", f"1 to {LARGEST_RESULT} bytes", self.max_result)

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        store.attach_enqueued(job, self.ttl)

    @hookimpl(wrapper=True)
    def around_perform(self, job: Job) -> Generator[None, Any, Any]:
        started_at = time.time()
        result = yield
        kept = result if self.result else None
        self.keep(job, record.done(job, started_at, kept, self.max_result))
        return result

    @hookimpl
    def keep_progress(
        self, job: Job, done: Number, of: Number | None, note: str | None
    ) -> RedisSteps[None]:
        return report_steps(job, done, of, note, self.ttl)

    @hookimpl(wrapper=True)
    def on_failure(
        self, job: Job, error: BaseException
    ) -> Generator[None, Later | None, Later | None]:
        verdict = None
        try:
            verdict = yield
        finally:
            if verdict is None or job.is_inline:
                self.keep(job, record.failed(job, error))
            else:
                job.plugin_data["status"] = dict(record.error_fields(error))
        return verdict

    def keep(self, job: Job, ended: str) -> None:
        """Keep the record of a job's end: in Redis with the settlement, or inline in memory."""
        if job.is_inline:
            from .inline_results import inline_results_of

            inline_results_of(job.app).keep(job, ended)
        else:
            store.attach_ended(job, ended, self.ttl)


def status_of(job: type[Job] | Job) -> Status | None:
    """Returns the Status plugin of a class; None if it has none."""
    return next(iter(plugins_of(job, Status)), None)
