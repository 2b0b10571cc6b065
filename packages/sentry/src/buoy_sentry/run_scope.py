"""The scope of one run: what Sentry learns during a run is kept apart from all other runs."""

from contextlib import ExitStack
from contextvars import ContextVar, Token
from typing import Self

import sentry_sdk

from buoy import Job, RunInfo

from .facts import describer
from .traces import RunSpan, continue_trace, current_span, has_tracing


class RunScope:
    """An isolation scope of Sentry that describes one run, and the span of that run, if it has
    one."""

    def __init__(
        self, job: Job | None, run: RunInfo, *, arguments: bool, traces: bool, began: bool = True
    ) -> None:
        self.id = run.id, run.attempt
        self.stack = ExitStack()
        self.span: RunSpan | None = None
        self.outer: Token[RunScope | None] | None = None
        self.scope = self.stack.enter_context(sentry_sdk.isolation_scope())
        try:
            self.scope.clear_breadcrumbs()
            self.scope.set_new_propagation_context()  # not the trace of the process
            if traces and began and has_tracing():
                self.span = RunSpan(self.stack, job, run)
            elif traces:
                continue_trace(job)
            name_scopes(run.name)
            self.scope.add_event_processor(describer(job, run, arguments))
        except BaseException:
            self.stack.close()
            raise

    def keep(self) -> Self:
        """Let ``taken`` find this scope when the run ends."""
        self.outer = current.set(self)
        return self

    def close(self, run: RunInfo) -> None:
        """Leave the scope, and finish the span of the run."""
        with self.stack:
            if self.outer is not None:
                current.reset(self.outer)
            if self.span is not None:
                self.span.set_outcome(run)


def name_scopes(name: str) -> None:
    """Say that what is captured next belongs to the job class of this name.

    Sentry prefers the name in the current scope, where that of a transaction that has ended stays.
    While a span is open, the name there is right; to set another one would rename its transaction.
    """
    sentry_sdk.get_isolation_scope().set_transaction_name(name, source="task")
    if current_span() is None:
        sentry_sdk.get_current_scope().set_transaction_name(name, source="task")


current: ContextVar[RunScope | None] = ContextVar("buoy_sentry_scope", default=None)
"""The scope of the run that this thread or task is in."""


def is_in_run() -> bool:
    """Whether the present code is part of a run."""
    return current.get() is not None


def kept_scope(run: RunInfo) -> RunScope | None:
    """Returns the scope that was kept when this run began; None if it began elsewhere: the process
    in which it ran has died, for example."""
    found = current.get()
    return found if found is not None and found.id == (run.id, run.attempt) else None
