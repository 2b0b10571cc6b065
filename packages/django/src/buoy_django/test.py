"""For ``manage.py test``: jobs in ``TestCase`` go to a private, empty server, and run when a test
says so."""

from collections import Counter
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from django.test import TestCase, TransactionTestCase

from buoy import App, Job
from buoy.testing import Clock, assert_enqueued, drain, isolated_app

if TYPE_CHECKING:
    from unittest import TestCase as Base
else:
    Base = object

HINT = (
    "\na TestCase of Django never commits: put the enqueueing into "
    "`with self.captureOnCommitCallbacks(execute=True):`"
)


class BuoyTestMixin(Base):
    """Gives each test of a class of ``unittest`` an app without jobs, as ``Job.app``.

    In a ``TestCase`` of Django nothing is committed, so a job that waits for the commit is queued
    by ``with self.captureOnCommitCallbacks(execute=True)`` only.
    """

    buoy_app: App
    """The app of the test."""
    clock: Clock
    """The clock by which jobs of the app become due."""

    def run(self, result: Any = None) -> Any:
        """Run the test, with an app of its own, which ``setUp`` has already."""
        with isolated_app() as app:
            self.buoy_app, self.clock = app, Clock(app)
            return super().run(result)

    def drain(self, *queues: str, raise_errors: bool = False) -> "Counter[str]":
        """Run all jobs that are due, and those that they enqueue; returns how many runs had which
        outcome: "done", "failed", "delayed", "rejected".

        ``raise_errors``: stop at the first run that fails, and raise its error.
        """
        return drain(self.buoy_app, *queues, raise_errors=raise_errors)

    def inline(self) -> AbstractContextManager[None]:
        """Within the block ``enqueue`` runs the job at once."""
        return self.buoy_app.inline()

    def assert_enqueued(self, job: type[Job], /, *args: Any, **kwargs: Any) -> None:
        """Fail unless a job of this class with these arguments is queued or delayed; see
        ``buoy.testing.assert_enqueued``."""
        try:
            assert_enqueued(job, *args, **kwargs)
        except AssertionError as failure:
            hint = HINT if self.buoy_app.deferred_jobs() else ""
            raise self.failureException(f"{failure}{hint}") from None


class BuoyTestCase(BuoyTestMixin, TestCase):  # type: ignore[misc]  # Django is not typed
    """Django's ``TestCase`` with ``drain``, ``inline`` and ``assert_enqueued``."""


class BuoyTransactionTestCase(BuoyTestMixin, TransactionTestCase):  # type: ignore[misc]
    """Django's ``TransactionTestCase`` with ``drain``, ``inline`` and ``assert_enqueued``."""
