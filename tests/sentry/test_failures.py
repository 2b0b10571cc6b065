"""Which ends of a run Sentry hears of, and what it is told."""

from typing import Any

import pytest
import sentry_sdk

from buoy import App, ConfigurationError, Job, Later, Plugin, hookimpl
from buoy.testing import FakeWorker, drain, plugin_contract
from buoy_sentry import Sentry
from tests.support.fake_sentry import error_of

from .conftest import Kept


class Declined(Exception):
    pass


class Odd(Exception):
    """An error of which nothing can be read."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Again(Plugin):
    """Runs a failed job again, and it counts or not."""

    def __init__(self, count: bool) -> None:
        self.count = count

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        return Later(0, count=self.count) if len(attempts) < 2 else None


attempts: list[int] = []


class Charge(Job):
    queue = "shop"
    tags = ["shop", "eu"]
    plugins = [Sentry()]

    def perform(self, amount: int, currency: str = "EUR") -> None:
        if amount:
            raise Declined(f"{amount} {currency}")


class Open(Charge):
    plugins = [Sentry(arguments=True)]


class Often(Charge):
    plugins = [Sentry(retried=True), Again(True)]

    def perform(self, amount: int, currency: str = "EUR") -> None:
        try:
            super().perform(amount, currency)
        finally:
            attempts.append(self.attempt)


class Quietly(Often):
    plugins = [Sentry()]


class Snoozing(Often):
    plugins = [Again(False)]


@pytest.fixture(autouse=True)
def first_attempt() -> None:
    attempts.clear()


def test_the_event_of_a_failure_says_which_job_and_where(sent: Kept, buoy_app: App) -> None:
    handle = Charge.using(queue="fast").enqueue(7)

    drain(buoy_app)

    [event] = sent.events
    assert error_of(event)[:2] == ("Declined", "7 EUR")
    assert error_of(event)[2][-1] == "perform"
    assert event["exception"]["values"][-1]["mechanism"] == {"type": "buoy", "handled": False}
    assert (event["level"], event["transaction"]) == ("error", Charge.name)
    assert event["tags"] == {
        "job_class": Charge.name,
        "job_id": handle.id,
        "queue": "fast",
        "attempt": "1",
        "worker": "drain",
        "job_tags": "shop,eu",
    }
    context = event["contexts"]["buoy job"]
    assert (context["id"], context["identifier"]) == (handle.id, handle.identifier)
    assert context["tags"] == ["shop", "eu"]
    assert "arguments" not in context


def test_a_transaction_that_has_ended_lends_its_name_to_no_run(sent: Kept, buoy_app: App) -> None:
    with sentry_sdk.start_transaction(name="POST /pay"):
        sentry_sdk.capture_message("slow")
    Charge.enqueue(7)

    drain(buoy_app)

    assert [event["transaction"] for event in sent.events] == ["POST /pay", Charge.name]


def test_arguments_are_sent_if_that_is_wanted(sent: Kept, buoy_app: App) -> None:
    Open.enqueue(7)

    drain(buoy_app)

    [event] = sent.events
    assert event["contexts"]["buoy job"]["arguments"] == {"amount": 7, "currency": "EUR"}


def test_arguments_with_the_names_of_secrets_are_masked(sent: Kept, buoy_app: App) -> None:
    class LogIn(Job):
        plugins = [Sentry(arguments=True)]

        def perform(self, user: str, password: str) -> None:
            raise Declined(user)

    LogIn.enqueue("ann", "secret")

    drain(buoy_app)

    [event] = sent.events
    arguments = {"user": "ann", "password": "[Filtered]"}
    assert event["contexts"]["buoy job"]["arguments"] == arguments
    [failed] = buoy_app.monitor.failed(["default"])
    assert failed.args == ["ann", "secret"]


def test_arguments_that_the_class_no_longer_takes_are_sent_too(sent: Kept, buoy_app: App) -> None:
    buoy_app.push(Open.name, [7, "EUR", 9], {"day": 1}, queue="shop")

    drain(buoy_app)

    [event] = sent.events
    assert error_of(event)[0] == "TypeError"
    arguments = {"0": 7, "1": "EUR", "2": 9, "day": 1}
    assert event["contexts"]["buoy job"]["arguments"] == arguments


def test_a_job_that_is_done_sends_nothing(sent: Kept, buoy_app: App) -> None:
    Charge.enqueue(0)

    drain(buoy_app)

    assert sent.items == []


@pytest.mark.parametrize(
    ("kind", "levels"),
    [
        (Often, [("1", "warning"), ("2", "error")]),
        (Quietly, [("2", "error")]),
        (Snoozing, [("1", "error")]),
    ],
)
def test_a_run_that_is_retried_is_sent_if_that_is_wanted_and_it_counts(
    sent: Kept, buoy_app: App, kind: type[Charge], levels: list[Any]
) -> None:
    kind.enqueue(7)

    drain(buoy_app)

    assert [(event["tags"]["attempt"], event["level"]) for event in sent.events] == levels


def test_what_one_job_leaves_behind_is_not_seen_in_the_next(sent: Kept, buoy_app: App) -> None:
    class Leaving(Charge):
        def perform(self, amount: int, currency: str = "EUR") -> None:
            sentry_sdk.set_tag(f"tag {amount}", "x")
            sentry_sdk.add_breadcrumb(message=f"crumb {amount}")
            super().perform(amount)

    sentry_sdk.add_breadcrumb(message="of the process")
    for amount in (1, 2):
        Leaving.enqueue(amount)
    drain(buoy_app)

    for event in sent.events:
        own = error_of(event)[1].split()[0]
        assert [crumb["message"] for crumb in event["breadcrumbs"]["values"]] == [f"crumb {own}"]
        assert [tag for tag in event["tags"] if tag.startswith("tag")] == [f"tag {own}"]


def test_a_job_whose_process_dies_is_grouped_by_that(sent: Kept, buoy_app: App) -> None:
    Charge.enqueue(7)
    worker = FakeWorker(buoy_app, "shop")

    worker.kill(worker.take())

    [event] = sent.events
    assert error_of(event)[:2] == ("DirtyExit", "signal 9 (SIGKILL)")
    assert event["fingerprint"] == ["buoy", "DirtyExit", Charge.name]
    assert event["tags"]["job_class"] == Charge.name


def test_a_job_that_has_lost_too_many_workers_is_an_event(sent: Kept, buoy_app: App) -> None:
    Charge.enqueue(7)
    worker = FakeWorker(buoy_app, "shop")
    for _ in range(buoy_app.settings.max_crashes + 1):
        worker.take()
        worker.lose()

    assert drain(buoy_app) == {"failed": 1}
    [event] = sent.events
    assert error_of(event)[0] == "WorkerLost"
    assert event["contexts"]["buoy job"]["lost"] == buoy_app.settings.max_crashes + 1


def test_an_inline_job_is_an_event_and_leaves_the_scope_of_its_caller(
    sent: Kept, buoy_app: App
) -> None:
    with buoy_app.inline(), pytest.raises(Declined):
        Charge.enqueue(7)
    sentry_sdk.capture_message("later")

    error, later = sent.events
    assert (error["tags"]["worker"], "tags" in later) == ("inline", False)


def test_an_error_of_which_nothing_can_be_read_is_an_event(sent: Kept, buoy_app: App) -> None:
    class Raising(Charge):
        def perform(self, amount: int, currency: str = "EUR") -> None:
            raise Odd

    Raising.enqueue(7)
    drain(buoy_app)

    [event] = sent.events
    assert error_of(event)[0] == "Odd"


def test_without_a_client_nothing_happens(buoy_app: App) -> None:
    Charge.enqueue(7)

    assert drain(buoy_app) == {"failed": 1}


def test_the_log_line_of_a_failure_is_no_second_event() -> None:
    from sentry_sdk.integrations import logging

    assert "buoy.job" in logging._IGNORED_LOGGERS


def test_it_keeps_the_contract_of_plugins(buoy_app: App) -> None:
    plugin_contract(Sentry(retried=True, arguments=True, monitors=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"retried": 1}, "Sentry.retried: expected True or False, got 1"),
        ({"arguments": "no"}, "Sentry.arguments: expected True or False, got 'no'"),
        ({"flush_seconds": -1}, "Sentry.flush_seconds: expected 0 to 60 seconds, got -1"),
        ({"flush_seconds": "2"}, "Sentry.flush_seconds: expected 0 to 60 seconds, got '2'"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Sentry(**options)

    assert str(raised.value) == message
