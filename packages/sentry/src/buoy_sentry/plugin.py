"""The plugin Sentry: what it does at each moment of a job and of a worker."""

from dataclasses import dataclass

import sentry_sdk
from sentry_sdk.integrations.logging import ignore_logger

from buoy import Job, Plugin, RunInfo, hookimpl
from buoy.plugins import Log, expect_flags, expect_seconds

from .check_ins import check_in
from .failures import capture_failure, is_reported
from .run_scope import RunScope, is_in_run, kept_scope
from .sending import flush, renew_transport
from .traces import attach_trace

log = Log("buoy.sentry")
LONGEST_FLUSH = 60.0
"""Seconds."""

# A failed run is captured here, with more than its line of the log has.
ignore_logger("buoy.job")


@dataclass(frozen=True)
class Sentry(Plugin):
    """Sends the errors of jobs to Sentry, by the client that the app sets up (``sentry_sdk.init``).

    ``retried``: also of attempts after which the job runs again. ``arguments``: send the arguments
    of the job, too. ``traces``: continue the trace in which the job was enqueued. ``monitors``:
    send check-ins for the jobs of schedule entries. ``flush_seconds``: how long a process that ends
    waits, at most, until all is sent.
    """

    retried: bool = False
    arguments: bool = False
    traces: bool = True
    monitors: bool = False
    flush_seconds: float = 1.5

    def __post_init__(self) -> None:
        expect_flags(self, "retried", "arguments", "traces", "monitors")
        expect_seconds(self, "flush_seconds", LONGEST_FLUSH)

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        if not (self.traces and is_set_up()):
            return
        try:
            attach_trace(job, in_run=is_in_run())
        except Exception:
            log.exception("the trace of a job is lost")

    @hookimpl
    def before_run(self, job: Job, run: RunInfo) -> None:
        if is_set_up():
            renew_transport()  # after_fork is called for plugins of the app only
            self.scope_of(job, run, began=True).keep()
            if self.monitors:
                check_in(job, run)

    @hookimpl
    def after_run(self, job: Job | None, run: RunInfo) -> None:
        if not is_set_up():
            return
        kept, reported = kept_scope(run), is_reported(run, self.retried)
        scope = kept or (self.scope_of(job, run, began=False) if reported else None)
        try:
            if scope is not None and reported:
                capture_failure(scope.scope, run)
            if self.monitors:
                check_in(job, run)
        finally:
            if scope is not None:
                scope.close(run)

    def scope_of(self, job: Job | None, run: RunInfo, *, began: bool) -> RunScope:
        return RunScope(job, run, arguments=self.arguments, traces=self.traces, began=began)

    @hookimpl
    def after_fork(self) -> None:
        renew_transport()

    @hookimpl
    def before_exit(self) -> None:
        flush(self.flush_seconds)

    @hookimpl
    def worker_stopping(self) -> None:
        flush(self.flush_seconds)


def is_set_up() -> bool:
    """Whether the app has set up a client of Sentry in this process."""
    return sentry_sdk.get_client().is_active()
