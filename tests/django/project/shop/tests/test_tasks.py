"""The backend of ``django.tasks``. The tests follow those that Django has for its own backends."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from buoy import Job
from buoy_django.tasks import BuoyBackend
from buoy_django.tasks.interface import (
    TaskResultDoesNotExist,
    task_enqueued,
    task_finished,
    task_started,
)
from buoy_django.test import BuoyTransactionTestCase
from buoy_retry import Constant, Retry

from .. import tasks
from ..models import Order

try:
    from django.tasks import TaskResultStatus, default_task_backend, task_backends
    from django.tasks.exceptions import InvalidTask, TaskResultMismatch

    LOGGER = "django.tasks"
except ModuleNotFoundError:
    from django_tasks import TaskResultStatus, default_task_backend, task_backends
    from django_tasks.exceptions import InvalidTaskError as InvalidTask
    from django_tasks.exceptions import TaskResultMismatch

    LOGGER = "django_tasks"

READY, SUCCESSFUL, FAILED = "READY", "SUCCESSFUL", "FAILED"
CARD = "4111 1111 1111 1111"
"""A secret with spaces: no time, id or encrypted text can hold it by chance."""


class SealedTests(BuoyTransactionTestCase):
    """Tasks whose arguments and results are encrypted (buoy-sealed)."""

    def test_nothing_of_a_secret_is_kept(self) -> None:
        with self.assertLogs("buoy", "DEBUG") as logs:
            results = [tasks.charge.enqueue(CARD, how=how) for how in ("well", "fail", "odd")]
            before = self.stored()
            self.drain()
        found = [task_backends["secret"].get_result(result.id) for result in results]

        assert [result.status for result in found] == [SUCCESSFUL, FAILED, FAILED]
        assert [result.args for result in found] == [["[sealed]"]] * 3
        assert found[0].return_value == "[sealed]"
        texts = [before, self.stored(), *logs.output]
        texts += [str(error) for result in found for error in result.errors]
        assert "[sealed]" in before
        assert CARD not in "".join(texts)

    def stored(self) -> str:
        """Returns all that lies in Redis, as text."""
        command = Job.app.command
        command("CONFIG", "SET", "rdbcompression", "no")
        return "".join(str((key, command("DUMP", key))) for key in command("KEYS", "*"))


class BackendTests(BuoyTransactionTestCase):
    """What each backend does."""

    def test_the_backend_is_that_of_the_settings(self) -> None:
        assert isinstance(task_backends["default"], BuoyBackend)
        assert default_task_backend.alias == "default"

    def test_a_task_is_ready_then_successful(self) -> None:
        order = Order.objects.create()
        result = tasks.pack.enqueue(order.id)
        assert (result.status, result.is_finished, result.attempts) == (READY, False, 0)
        assert (result.task, result.args, result.kwargs) == (tasks.pack, [order.id], {})
        with self.assertRaisesMessage(ValueError, "Task has not finished yet"):
            result.return_value  # noqa: B018
        assert self.drain() == {"done": 1}
        result.refresh()
        assert (result.status, result.return_value) == (SUCCESSFUL, "packed")
        assert (result.attempts, result.worker_ids) == (1, ["drain"])
        assert result.enqueued_at <= result.started_at <= result.finished_at
        assert result.last_attempted_at == result.started_at
        order.refresh_from_db()
        assert order.packed_by == "task"

    def test_a_coroutine_function_takes_its_context(self) -> None:
        order = Order.objects.create()
        result = tasks.apack.enqueue(order.id, note="by hand")
        self.drain()
        found = tasks.apack.get_result(result.id)
        assert found.return_value == {"id": result.id, "attempt": 1, "running": True}
        assert (found.args, found.kwargs) == ([order.id], {"note": "by hand"})
        assert (found.task, found.backend) == (tasks.apack, "default")

    def test_a_failed_task_has_its_error(self) -> None:
        result = tasks.fail.enqueue("boom")
        with self.assertLogs(LOGGER, "ERROR") as logs:
            assert self.drain() == {"failed": 1}
        assert "ValueError: boom" in logs.output[0]
        result.refresh()
        assert (result.status, result.is_finished) == (FAILED, True)
        with self.assertRaisesMessage(ValueError, "Task failed"):
            result.return_value  # noqa: B018
        [error] = result.errors
        assert error.exception_class is ValueError
        assert error.traceback.endswith("ValueError: boom\n")
        assert error.traceback.count("File ") == 1, error.traceback

    def test_what_json_cannot_hold_fails_the_task(self) -> None:
        results = [tasks.give.enqueue(what) for what in ("function", "nan", "exit")]
        assert self.drain() == {"failed": 3}
        kinds = []
        for result in results:
            result.refresh()
            kinds.append(result.errors[0].exception_class_path)
        assert kinds[0] == "builtins.TypeError"
        assert kinds[1].endswith(".NotJson")
        assert kinds[2] == "builtins.SystemExit"

    def test_arguments_are_normalized_or_refused(self) -> None:
        result = tasks.give.enqueue(("a", b"b"), key={"c": ("d",)})
        assert (result.args, result.kwargs) == ([["a", "b"]], {"key": {"c": ["d"]}})
        assert tasks.give.get_result(result.id).args == [["a", "b"]]
        for wrong in (object(), b"\xff", float("nan")):
            with self.assertRaises((TypeError, ValueError)):
                tasks.give.enqueue(wrong)

    def test_unknown_and_foreign_ids(self) -> None:
        result = tasks.fail.enqueue("x")
        with self.assertRaises(TaskResultMismatch):
            tasks.pack.get_result(result.id)
        class_id = Job.app.push("shop.jobs.Pack", [1], queue="default").id
        hostile = [
            Job.app.push(name, [], queue="default").id
            for name in ("shop.a b.x", "shop..x", "no.such", "shop.tasks.Order", "x")
        ]
        for id in ("unknown", "", "\udcff", 123, class_id, *hostile):
            with self.assertRaises(TaskResultDoesNotExist):
                default_task_backend.get_result(id)

    def test_a_task_can_wait(self) -> None:
        later = timezone.now() + timedelta(hours=1)
        result = tasks.pack.using(run_after=later).enqueue(1)
        assert self.drain() == {}
        result.refresh()
        assert result.status == READY
        [queue] = self.buoy_app.monitor.queues()
        assert (queue.delayed, queue.queued) == (1, 0)
        # A zone whose clocks are never put back or forward: an hour later it is an hour later.
        with override_settings(USE_TZ=False, TIME_ZONE="Asia/Kolkata"):
            naive = datetime.now() + timedelta(hours=1)  # noqa: DTZ005 - that is what it is about
            tasks.pack.using(run_after=naive).enqueue(1)
        first, second = self.buoy_app.monitor.delayed("default", 0, 10)
        assert abs((first.at or 0) - (second.at or 0)) < 60

    def test_tasks_run_in_the_order_of_their_priorities(self) -> None:
        for priority in (-100, -1, 0, 1, 100):
            tasks.pack.using(priority=priority).enqueue(priority)
        tasks.urgent.enqueue("declared")
        tasks.urgent.using(priority=0).enqueue("as others")
        assert default_task_backend.supports_priority
        views = self.buoy_app.monitor.peek("default")
        assert [(view.args[0], view.priority) for view in views] == [
            (1, "high"),
            (100, "high"),
            ("declared", "high"),
            (0, "normal"),
            ("as others", "normal"),
            (-100, "low"),
            (-1, "low"),
        ]

    def test_a_result_has_the_priority_of_its_task(self) -> None:
        given = [
            (tasks.urgent, 10),
            (tasks.urgent.using(priority=0), 0),
            (tasks.urgent.using(priority=-7), -7),
        ]
        results = [(task.enqueue("x"), priority) for task, priority in given]
        for result, priority in results:
            assert (result.task.priority, result.status) == (priority, READY)
            assert default_task_backend.get_result(result.id).task.priority == priority
        assert self.drain() == {"done": 3}
        for result, priority in results:
            found = default_task_backend.get_result(result.id)
            assert (found.return_value, found.task.priority) == (priority, priority)

    def test_a_task_that_waits_for_a_time_or_a_commit_keeps_its_priority(self) -> None:
        later = timezone.now() + timedelta(hours=1)
        result = tasks.pack.using(priority=-1, run_after=later).enqueue(1)
        tasks.pack.enqueue(2)
        with transaction.atomic():
            tasks.pack.using(priority=1).enqueue(3)
        self.buoy_app.run_now(result.id)
        assert [view.args for view in self.buoy_app.monitor.peek("default")] == [[3], [2], [1]]

    def test_a_priority_that_redis_holds_and_django_refuses_is_ignored(self) -> None:
        for wrong in (101, 0.5, "1", None):
            job = default_task_backend.build(tasks.pack, [1], {})
            job.plugin_data["django"]["priority"] = wrong
            found = default_task_backend.get_result(self.buoy_app.submit(job).id)
            assert found.task.priority == 0

    def test_wrong_priorities_and_unknown_queues_are_refused(self) -> None:
        for wrong in (-101, 101, 0.5):
            with self.assertRaisesMessage(InvalidTask, "priority must be a whole number between"):
                tasks.pack.using(priority=wrong)
        with self.assertRaisesMessage(InvalidTask, "Queue 'no' is not valid for backend"):
            tasks.pack.using(queue_name="no")

    def test_a_task_may_go_to_another_queue(self) -> None:
        result = tasks.pack.using(queue_name="slow").enqueue(1)
        assert self.drain("default") == {}
        assert self.drain("slow") == {"done": 1}
        found = default_task_backend.get_result(result.id)
        assert (found.status, found.task.queue_name) == (SUCCESSFUL, "slow")

    def test_a_task_that_was_moved_to_another_queue_is_found(self) -> None:
        result = tasks.pack.enqueue(1)
        call_command("buoy", "queues", "move", "default", "elsewhere")
        assert default_task_backend.get_result(result.id).status == READY
        self.drain()
        assert default_task_backend.get_result(result.id).status == SUCCESSFUL

    def test_signals(self) -> None:
        seen: list[tuple[str, str]] = []

        def note(name: str) -> Any:
            def receiver(sender: Any, task_result: Any, **_: Any) -> None:
                assert sender is BuoyBackend
                seen.append((name, str(task_result.status)))
                raise KeyError("of a receiver")

            return receiver

        receivers = {task_started: note("started"), task_finished: note("finished")}
        for signal, receiver in receivers.items():
            signal.connect(receiver)
            self.addCleanup(signal.disconnect, receiver)
        tasks.pack.enqueue(1)
        tasks.fail.enqueue("x")
        assert self.drain() == {"done": 1, "failed": 1}
        assert seen == [
            ("started", "RUNNING"),
            ("finished", "SUCCESSFUL"),
            ("started", "RUNNING"),
            ("finished", "FAILED"),
        ]

    def test_the_signal_of_enqueueing(self) -> None:
        seen: list[Any] = []

        def note(task_result: Any, **_: Any) -> None:
            seen.append(task_result)

        task_enqueued.connect(note)
        self.addCleanup(task_enqueued.disconnect, note)
        result = tasks.pack.enqueue(1)
        assert seen == [result]

    def test_a_task_waits_for_the_commit(self) -> None:
        with transaction.atomic():
            result = tasks.pack.enqueue(1)
            with self.assertRaises(TaskResultDoesNotExist):
                result.refresh()
        result.refresh()
        assert result.status == READY

    def test_a_task_that_is_tried_again_has_all_its_errors(self) -> None:
        result = tasks.retried.enqueue("x")
        with self.assertLogs(LOGGER, "INFO") as logs:
            assert self.drain() == {"delayed": 1}
            result.refresh()
            assert (result.status, result.attempts, len(result.errors)) == (READY, 1, 1)
            while timezone.now() - result.started_at < timedelta(milliseconds=2):
                pass  # the times of attempts are rounded to milliseconds
            self.buoy_app.run_now(result.id)
            assert self.drain() == {"failed": 1}
        result.refresh()
        assert (result.status, result.attempts, len(result.errors)) == (FAILED, 2, 2)
        assert result.started_at < result.last_attempted_at
        assert sum("state=FAILED" in line for line in logs.output) == 1

    def test_a_run_that_had_nothing_to_do_yet_is_no_attempt_and_no_error(self) -> None:
        order = Order.objects.create()
        result = tasks.ship.enqueue(order.id)
        for _ in range(3):
            assert self.drain() == {"delayed": 1}
            result.refresh()
            assert (result.status, result.attempts, result.errors) == (READY, 0, [])
            self.buoy_app.run_now(result.id)
        order.packed_by = "hand"
        order.save()
        assert self.drain() == {"done": 1}
        result.refresh()
        assert (result.status, result.return_value) == (SUCCESSFUL, "shipped")
        assert (result.attempts, result.worker_ids, result.errors) == (1, ["drain"], [])

    def test_inline_tasks_end_at_once(self) -> None:
        with self.inline():
            done, failed = tasks.pack.enqueue(1), tasks.fail.enqueue("boom")
            gone = tasks.give.enqueue("exit")
        assert (done.status, done.return_value) == (SUCCESSFUL, "packed")
        assert (failed.status, failed.errors[0].exception_class) == (FAILED, ValueError)
        assert gone.errors[0].exception_class is SystemExit
        failed.refresh()
        assert failed.status == FAILED

    def test_coroutines(self) -> None:
        async def use() -> Any:
            result = await tasks.pack.aenqueue(1)
            found = await tasks.pack.aget_result(result.id)
            assert found == result
            await result.arefresh()
            with self.assertRaises(TaskResultDoesNotExist):
                await default_task_backend.aget_result("no")
            await self.buoy_app.aclose()
            return result

        result = asyncio.run(use())
        assert result.status == READY
        assert self.drain() == {"done": 1}

    def test_times_follow_the_settings(self) -> None:
        assert tasks.pack.enqueue(1).enqueued_at.tzinfo is UTC
        with override_settings(USE_TZ=False):
            assert tasks.pack.enqueue(1).enqueued_at.tzinfo is None

    def test_a_task_of_a_module_that_is_not_imported_is_found(self) -> None:
        self.buoy_app.push("shop.more_tasks.late", [], queue="default")
        self.buoy_app.push("shop.more_tasks.nothing", [], queue="default")
        self.buoy_app.push("os.path.join", [], queue="default")
        assert self.drain() == {"done": 1, "failed": 2}


class OptionsTests(BuoyTransactionTestCase):
    """``OPTIONS`` of a backend."""

    def test_wrong_options(self) -> None:
        wrong: dict[str, dict[str, Any]] = {
            "TASKS: OPTIONS of default: expected PLUGINS, RESULT_TTL, TIMEOUT, got 'TTL'": {
                "TTL": 1
            },
            "TASKS: OPTIONS of default['RESULT_TTL']: expected seconds, more than 0, got 0": {
                "RESULT_TTL": 0
            },
            "TASKS: OPTIONS of default['PLUGINS']: expected a list of plugins such as "
            "[Retry(limit=3)], got [1]": {"PLUGINS": [1]},
        }
        for message, options in wrong.items():
            with self.assertRaises(ImproperlyConfigured) as error:
                BuoyBackend("default", {"OPTIONS": options})
            assert str(error.exception) == message

    def test_without_the_app_its_settings_would_not_be_read(self) -> None:
        with (
            override_settings(INSTALLED_APPS=["shop"]),
            self.assertRaises(ImproperlyConfigured) as error,
        ):
            BuoyBackend("default", {})
        assert str(error.exception) == (
            "TASKS['default']: expected \"buoy_django\" in INSTALLED_APPS, which reads "
            "settings.BUOY"
        )

    def test_right_options(self) -> None:
        patient = Retry(limit=2, delay=Constant(1))
        options = {"RESULT_TTL": 60, "TIMEOUT": 5, "PLUGINS": [patient]}
        found = BuoyBackend("default", {"OPTIONS": options}).task_options
        assert (found.result_ttl, found.timeout, found.plugins) == (60, 5, (patient,))

    def test_a_queue_with_an_odd_name_is_an_error_of_the_system_check(self) -> None:
        [error] = BuoyBackend("default", {"QUEUES": ["a b"]}).check()
        assert error.id == "buoy.E010"
        assert error.msg.startswith("TASKS['default']: QUEUES: ")

    def test_states_are_those_of_django(self) -> None:
        assert {READY, SUCCESSFUL, FAILED} < set(TaskResultStatus)
