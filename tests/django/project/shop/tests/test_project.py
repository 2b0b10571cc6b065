"""Settings, system checks, the command within another one, and connections."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any
from unittest import mock

from asgiref.sync import SyncToAsync
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, ManagementUtility, call_command
from django.db import connection, connections, transaction
from django.test import SimpleTestCase, override_settings

from buoy import App, Job
from buoy_aftercommit import AfterCommit
from buoy_django.checks import (
    check_after_commit,
    check_dashboard_role,
    check_redis,
    check_settings,
)
from buoy_django.configuration import app_wide_plugins, configure
from buoy_django.connections import DjangoConnections, call_where_django_connects
from buoy_django.test import BuoyTestCase, BuoyTransactionTestCase

from ..jobs import Pack, apack, look


@contextmanager
def configured(**given: Any) -> Iterator[None]:
    """Within the block the project has these settings of buoy, besides its own."""
    before = Job.app
    with override_settings(BUOY=settings.BUOY | given):
        configure()
        try:
            yield
        finally:
            Job.app = before
    configure()
    Job.app = before


class SettingsTests(SimpleTestCase):
    """``settings.BUOY``."""

    def test_the_app_reads_them(self) -> None:
        with configured(URL="redis://example:1/2", LEASE=12.5, FAILED_MAX=3):
            found = Job.app.settings
        assert (found.url, found.lease, found.failed_max) == ("redis://example:1/2", 12.5, 3)
        assert found.namespace == "shop"

    def test_the_environment_comes_first(self) -> None:
        with configured(), mock.patch.dict("os.environ", BUOY_NAMESPACE="other"):
            assert Job.app.settings.namespace == "other"

    def test_what_is_no_dict_of_settings_is_refused_at_once(self) -> None:
        wrong = {
            'settings.BUOY: expected a dict such as {"URL": "redis://…"}, got list': [],
            "settings.BUOY: expected names of settings in upper case such as URL, got 'url'": {
                "url": "x"
            },
        }
        for message, value in wrong.items():
            with override_settings(BUOY=value), self.assertRaises(ImproperlyConfigured) as error:
                configure()
            assert str(error.exception) == message

    def test_after_commit_can_be_switched_off(self) -> None:
        assert app_wide_plugins() == [DjangoConnections(), AfterCommit()]
        with configured(AFTER_COMMIT=False):
            assert app_wide_plugins() == [DjangoConnections()]


class CheckTests(SimpleTestCase):
    """``manage.py check``."""

    def messages(self, check: Callable[[], Any], **given: Any) -> list[tuple[str, str]]:
        with configured(**given):
            return [(each.id, each.msg) for each in check()]

    def test_the_settings_of_the_project_are_right(self) -> None:
        assert self.messages(check_settings) == []
        assert self.messages(check_after_commit) == []

    def test_an_unknown_setting(self) -> None:
        [(id, text)] = self.messages(check_settings, URLL="x")
        assert id == "buoy.E001"
        assert text.startswith("settings.BUOY: expected one of the settings ageing, app, ")
        assert text.endswith("; got 'urll'; did you mean url?")

    def test_a_wrong_value(self) -> None:
        found = self.messages(check_settings, LEASE=-1.0)
        text = "settings.BUOY: lease: expected more than 0 seconds, and finite, got -1.0"
        assert found == [("buoy.E001", text)]

    def test_a_plugin_that_cannot_be_imported(self) -> None:
        [(id, text)] = self.messages(check_settings, PLUGINS=["no_such:Plugin"])
        assert id == "buoy.E001"
        assert text.startswith("plugins (BUOY_PLUGINS): 'no_such:Plugin': expected a module")

    def test_a_url_that_is_none_of_a_redis(self) -> None:
        [(id, text)] = self.messages(check_settings, URL="http://example")
        assert id == "buoy.E001"
        assert text.startswith("BUOY_URL: expected a URL that starts with redis://")
        assert self.messages(check_settings, URL="redis://127.0.0.1:1") == []

    def test_a_function_of_the_dashboard_that_is_not_there(self) -> None:
        names = "settings.BUOY: DASHBOARD_ROLE: expected the path of a function of a user"
        for path, problem in {
            "shop.jobs.nobody": "got 'shop.jobs.nobody' (Module \"shop.jobs\" does not define",
            "shop.jobs.__name__": "got 'shop.jobs.__name__', which is str",
            7: "got 7 (",
        }.items():
            [(id, text)] = self.messages(check_dashboard_role, DASHBOARD_ROLE=path)
            assert id == "buoy.E005"
            assert text.startswith(names)
            assert problem in text
        assert self.messages(check_dashboard_role) == []
        path = "buoy_django.configuration.role_of"
        assert self.messages(check_dashboard_role, DASHBOARD_ROLE=path) == []

    def test_after_commit_must_be_true_or_false(self) -> None:
        text = "settings.BUOY: AFTER_COMMIT: expected True or False, got 'no'"
        assert self.messages(check_settings, AFTER_COMMIT="no") == [("buoy.E002", text)]

    def test_views_in_transactions_without_after_commit(self) -> None:
        databases = {"default": settings.DATABASES["default"] | {"ATOMIC_REQUESTS": True}}
        with mock.patch.object(settings, "DATABASES", databases):
            assert self.messages(check_after_commit) == []
            [(id, text)] = self.messages(check_after_commit, AFTER_COMMIT=False)
        assert id == "buoy.W001"
        assert "the database default (ATOMIC_REQUESTS)" in text

    def test_redis_that_is_away(self) -> None:
        [(id, text)] = self.messages(check_redis, URL="redis://127.0.0.1:1")
        assert id == "buoy.E003"
        assert text.startswith("Redis cannot be asked: Redis cannot be reached")


class RedisCheckTests(BuoyTestCase):
    """``manage.py check --deploy``."""

    def test_a_server_that_evicts_and_stores_nothing(self) -> None:
        self.configure("allkeys-lru", "1gb")
        self.addCleanup(self.configure, "noeviction", "0")
        found = {message.id: message.msg for message in check_redis()}
        assert found["buoy.E004"].startswith("eviction: expected maxmemory-policy noeviction")
        assert found["buoy.W002"].startswith("persistence: expected an append-only file")

    def configure(self, policy: str, limit: str) -> None:
        set_config = ("CONFIG", "SET", "maxmemory-policy", policy, "maxmemory", limit)
        self.buoy_app.command(*set_config)


class CommandTests(BuoyTestCase):
    """``call_command("buoy", …)``."""

    def test_a_command_within_another_one(self) -> None:
        call_command("buoy", "pause")
        with (
            redirect_stderr(StringIO()),
            self.assertRaisesMessage(CommandError, "buoy nonsense: ended with 2"),
        ):
            call_command("buoy", "nonsense")
        call_command("buoy", "resume")

    def test_help_of_django_is_that_of_buoy(self) -> None:
        with redirect_stdout(StringIO()) as written, self.assertRaises(SystemExit) as end:
            ManagementUtility(["manage.py", "help", "buoy"]).execute()
        assert end.exception.code == 0
        assert written.getvalue().startswith("Usage: manage.py buoy [OPTIONS] COMMAND")

    def test_errors_name_the_command_of_the_project(self) -> None:
        assert self.error("queues", "peek", "no").endswith(
            "was ever enqueued to; see manage.py buoy queues\n"
        )

    def test_a_wrong_setting_is_named_as_the_project_has_it(self) -> None:
        with configured(LEASE="long"):
            said = self.error("doctor")
        assert said == "Error: settings.BUOY: lease: expected a number, got 'long'\n"

    def error(self, *arguments: str) -> str:
        """Returns what a command writes to the standard error."""
        with redirect_stderr(StringIO()) as written, self.assertRaises(CommandError):
            call_command("buoy", *arguments)
        return written.getvalue()


class ConnectionTests(BuoyTransactionTestCase):
    """Jobs in long-lived workers."""

    def test_an_old_connection_is_closed_around_each_job(self) -> None:
        with mock.patch.object(connections["default"], "close") as close, old_connection():
            look.enqueue()
            self.drain()
        assert close.call_count == 2

    def test_a_job_that_runs_inline_leaves_the_transaction_alone(self) -> None:
        with transaction.atomic(), old_connection(), self.inline():
            look.enqueue()
            assert connection.in_atomic_block
        Pack.enqueue(1)

    def test_queries_are_forgotten_in_debug_mode(self) -> None:
        with override_settings(DEBUG=True):
            look.enqueue()
            connection.queries_log.append({"sql": "select 1"})
            self.drain()
            assert {"sql": "select 1"} not in connection.queries

    def test_a_coroutine_cleans_up_in_the_thread_of_the_orm(self) -> None:
        names: list[str] = []

        def note() -> None:
            names.append(threading.current_thread().name)

        call_where_django_connects(Job.app.build(apack, 1), note)
        call_where_django_connects(Job.app.build(Pack, 1), note)
        SyncToAsync.single_thread_executor.submit(note).result()
        assert sorted(names) == sorted([threading.current_thread().name, names[-1], names[-1]])
        assert names[-1] != threading.current_thread().name

    def test_an_app_of_its_own_can_have_the_plugins(self) -> None:
        assert DjangoConnections() in App(plugins=app_wide_plugins()).plugins


@contextmanager
def old_connection() -> Iterator[None]:
    """Let the connection be too old."""
    connection.ensure_connection()
    before, connection.close_at = connection.close_at, 0
    try:
        yield
    finally:
        connection.close_at = before
