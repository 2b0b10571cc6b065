"""What ``buoy_django.test`` offers."""

import os

from django.db import transaction
from django.test import SimpleTestCase

from buoy import App, Job
from buoy_aftercommit import AfterCommit
from buoy_django.test import BuoyTestCase, BuoyTestMixin, BuoyTransactionTestCase

from ..jobs import Pack, apack, fails
from ..models import Order

HELD = """expected shop.jobs.Pack(7) to be enqueued, got:
  shop.jobs.Pack [7] in packing: not yet, it is deferred until the transaction commits
a TestCase of Django never commits: put the enqueueing into \
`with self.captureOnCommitCallbacks(execute=True):`"""


class EnqueueingTests(BuoyTestCase):
    """In a TestCase, each test is a transaction that is never committed."""

    def test_a_job_waits_for_the_commit(self) -> None:
        order = Order.objects.create()
        with self.captureOnCommitCallbacks(execute=True):
            assert Pack.enqueue(order.id).state == "deferred"
        self.assert_enqueued(Pack, order.id)
        assert self.drain() == {"done": 1}
        order.refresh_from_db()
        assert order.packed_by.endswith(f" {os.getpid()}")

    def test_a_failing_assertion_says_that_the_job_is_deferred(self) -> None:
        Pack.enqueue(7)
        with self.assertRaises(self.failureException) as failure:
            self.assert_enqueued(Pack, 7)
        self.assertEqual(str(failure.exception), HELD)
        assert self.drain() == {}

    def test_a_job_that_was_pushed_is_not_called_deferred(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            Pack.enqueue(7)
        with self.assertRaises(self.failureException) as failure:
            self.assert_enqueued(Pack, 8)
        assert str(failure.exception) == (
            "expected shop.jobs.Pack(8) to be enqueued, got:\n  shop.jobs.Pack [7] in packing"
        )

    def test_each_block_of_a_test_pushes_its_own_jobs(self) -> None:
        Pack.enqueue(0)
        for number in (1, 2):
            with self.captureOnCommitCallbacks(execute=True):
                Pack.enqueue(number)
            self.assert_enqueued(Pack, number)
        assert self.drain() == {"done": 2}

    def test_inline_runs_the_job_in_the_transaction_of_the_test(self) -> None:
        order = Order.objects.create()
        with self.inline(), self.captureOnCommitCallbacks(execute=True):
            Pack.enqueue(order.id)
        order.refresh_from_db()
        assert order.packed_by

    def test_drain_raises_the_error_of_a_job_if_told_to(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            fails.enqueue("boom")
            fails.enqueue("again")
        with self.assertRaisesMessage(ValueError, "boom"):
            self.drain(raise_errors=True)
        assert self.drain("packing") == {"failed": 1}


class ApartTests(BuoyTestCase):
    """No test sees the jobs of another one."""

    def test_one(self) -> None:
        self.leave_a_job()

    def test_two(self) -> None:
        self.leave_a_job()

    def leave_a_job(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            Pack.enqueue(1)
        assert [view.queued for view in self.buoy_app.monitor.queues()] == [1]


class SetUpTests(BuoyTestCase):
    """A class with a setUp of its own, which does not call that of its base."""

    def setUp(self) -> None:
        self.app = Job.app

    def test_the_app_is_there_in_set_up(self) -> None:
        assert self.app is self.buoy_app is Job.app


class DeferringSetUpTests(BuoyTestCase):
    """A setUp that enqueues a job outside of all blocks."""

    def setUp(self) -> None:
        Pack.enqueue(0)

    def test_a_block_pushes_its_own_job_and_no_other(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            Pack.enqueue(1)
        [view] = self.buoy_app.monitor.peek("packing")
        assert view.args == [1]


class CommittingTests(BuoyTransactionTestCase):
    """In a TransactionTestCase, transactions are committed."""

    def test_a_job_is_pushed_by_the_commit(self) -> None:
        with transaction.atomic():
            order = Order.objects.create()
            Pack.enqueue(order.id)
            assert self.drain() == {}
        apack.enqueue(order.id)
        assert self.drain() == {"done": 2}
        order.refresh_from_db()
        assert order.packed_by == "async"

    def test_a_rollback_drops_the_job(self) -> None:
        with transaction.atomic():
            Pack.enqueue(1)
            transaction.set_rollback(True)
        assert self.drain() == {}


class WithoutDatabaseTests(BuoyTestMixin, SimpleTestCase):
    """The mixin goes with each TestCase of Django, and of unittest."""

    def test_the_app_is_private_and_has_the_plugins_of_the_project(self) -> None:
        assert isinstance(self.buoy_app, App)
        assert self.buoy_app.settings.url.startswith("unix://")
        assert AfterCommit() in self.buoy_app.plugins
