"""The plugin OpenTelemetry: what it does at each moment of a job and of a worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import time_ns
from typing import Any

from buoy import Handle, Job, Plugin, RunInfo, hookimpl
from buoy.plugins import Log, expect_flags, expect_seconds

from .conventions import is_error
from .flushing import flush
from .measures import count_run, count_sent
from .spans import RunSpan, end_sending, entered_span, start_sending

log = Log("buoy.otel")
LONGEST_FLUSH = 60.0
"""Seconds."""


@dataclass(frozen=True)
class OpenTelemetry(Plugin):
    """Makes a span of each enqueueing and of each run, and measures both, with the providers that
    the app sets up.

    ``links``: begin a new trace with each run, with a link to the span of its enqueueing, instead
    of continuing that trace. ``metrics``: whether to count and time jobs. ``flush_seconds``: how
    long a process that ends waits, at most, until all is exported.
    """

    links: bool = False
    metrics: bool = True
    flush_seconds: float = 1.5

    def __post_init__(self) -> None:
        expect_flags(self, "links", "metrics")
        expect_seconds(self, "flush_seconds", LONGEST_FLUSH)

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        with only_logged("a job carries no trace"):
            start_sending(job)

    @hookimpl
    def after_enqueue(self, job: Job, handle: Handle[Any]) -> None:
        seconds = end_sending(job, handle)
        if self.metrics and seconds is not None:
            count_sent(handle.queue, seconds)

    @hookimpl
    def before_run(self, job: Job, run: RunInfo) -> None:
        RunSpan(job, run, links=self.links).enter()

    @hookimpl
    def after_run(self, job: Job | None, run: RunInfo) -> None:
        span = entered_span(run)
        if span is None and is_error(run):  # its process has died, or it could not begin
            began = time_ns() - int(run.seconds * 1e9)
            span = RunSpan(job, run, links=self.links, start=began)
        if span is not None:
            span.end(run)
            if self.metrics:
                count_run(run)

    @hookimpl
    def before_exit(self) -> None:
        flush(self.flush_seconds)

    @hookimpl
    def worker_stopping(self) -> None:
        flush(self.flush_seconds)


@contextmanager
def only_logged(what: str) -> Iterator[None]:
    """Log an error in the block: no job is kept out because it cannot be traced."""
    try:
        yield
    except Exception:
        log.exception("OpenTelemetry: %s", what)
