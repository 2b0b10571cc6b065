"""What reaches Sentry from real workers, whatever becomes of their jobs and processes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fake_sentry import FakeSentry, error_of
from tests.support.processes import APPS, EXECUTORS, Site, wait_until

from .apps import to_sentry as jobs
from .apps.to_sentry_limited import Hang
from .apps.to_sentry_limited_async import HangSoon

APP = "to_sentry"


@pytest.fixture
def sentry() -> Iterator[FakeSentry]:
    with FakeSentry() as sentry:
        yield sentry


@pytest.fixture
def shop(site: Site, sentry: FakeSentry) -> Site:
    """A site whose workers send to the local Sentry, and lose no lease on a busy machine."""
    site.lease = 10.0
    site.environ |= {"SENTRY_DSN": sentry.dsn, "SENTRY_TRACES": "1"}
    return site


def options(site: Site, **options: object) -> None:
    """Set options of the plugin."""
    site.environ["SENTRY_OPTIONS"] = json.dumps(options)


def words(events: list[Any]) -> list[str]:
    """The last word of the message of each error."""
    return sorted(error_of(event)[1].split()[-1] for event in events)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_each_failed_job_is_one_event_with_its_frames(
    shop: Site, sentry: FakeSentry, executor: str
) -> None:
    kind: Any = jobs.ChargeSoon if executor == "async" else jobs.Charge
    handles = {word: kind.enqueue(word) for word in ("a", "b", "c")}
    jobs.Pay.enqueue("d")

    shop.burst("--executor", executor, app=APP)

    assert words(sentry.events) == ["a", "b", "c"]
    for event in sentry.events:
        error, message, functions = error_of(event)
        word = message.split()[-1]
        assert (error, functions[-2:]) == ("CardDeclined", ["perform", "ask_bank"])
        assert event["transaction"] == kind.name
        assert event["tags"]["job_id"] == handles[word].id
        assert event["tags"]["job_class"] == kind.name
        assert (event["tags"]["queue"], event["tags"]["attempt"]) == ("default", "1")
        crumbs = [crumb["message"] for crumb in event["breadcrumbs"]["values"]]
        assert crumbs == [f"charging {word}"]
        assert "arguments" not in event["contexts"]["buoy job"]
    ends = [(each["transaction"], status_of(each)) for each in sentry.transactions]
    assert sorted(ends) == sorted([(kind.name, "internal_error")] * 3 + [(jobs.Pay.name, "ok")])


def status_of(transaction: Any) -> str:
    return str(transaction["contexts"]["trace"]["status"])


def test_a_job_whose_process_is_killed_is_an_event(shop: Site, sentry: FakeSentry) -> None:
    handle = jobs.Die.enqueue("a")
    jobs.Die.enqueue("b")

    shop.burst(app=APP)

    assert len(sentry.events) == 2
    for event in sentry.events:
        error, message, _ = error_of(event)
        assert (error, event["fingerprint"]) == ("DirtyExit", ["buoy", "DirtyExit", jobs.Die.name])
        assert "SIGKILL" in message
    assert handle.id in {event["tags"]["job_id"] for event in sentry.events}


@pytest.mark.parametrize(
    ("executor", "app", "kind"),
    [("fork", "to_sentry_limited", Hang), ("async", "to_sentry_limited_async", HangSoon)],
)
def test_a_job_that_takes_too_long_is_an_event(
    shop: Site, sentry: FakeSentry, executor: str, app: str, kind: Any
) -> None:
    kind.enqueue("a")

    shop.burst("--executor", executor, app=app)

    [event] = sentry.events
    assert error_of(event)[0] == "JobTimeout"
    assert event["fingerprint"] == ["buoy", "JobTimeout", kind.name]


@pytest.mark.parametrize("executor", ["fork", "async"])
def test_a_worker_that_stops_sends_what_has_failed_and_not_what_it_puts_back(
    shop: Site, sentry: FakeSentry, executor: str
) -> None:
    waits: Any = jobs.WaitSoon if executor == "async" else jobs.Wait
    jobs.Charge.enqueue("a")
    waits.enqueue("b", "never")

    worker = shop.worker("--executor", executor, "--grace", "0.2", "-c", "1", app=APP)
    shop.note("began")
    worker.stop()

    assert words(sentry.events) == ["a"]
    assert shop.view().queued == 1


def test_when_one_worker_is_killed_all_that_the_other_settles_arrives(
    shop: Site, sentry: FakeSentry
) -> None:
    shop.lease = 1.0
    killed, other = (shop.worker("-c", "2", app=APP) for _ in range(2))
    workers = wait_until(
        lambda: len(shop.app.monitor.workers()) == 2 and shop.app.monitor.workers()
    )
    [id] = [view.id for view in workers or () if view.pid == other.pid]
    jobs.Charge.enqueue_many([(str(number),) for number in range(60)])
    wait_until(lambda: len(sentry.events) >= 8, what=shop.logs)

    killed.kill()
    wait_until(lambda: shop.view().failed == 60, what=shop.logs)
    other.stop()

    settled = {view.args[0]: view.failure["worker"] for view in shop.app.monitor.failed()}
    assert len(settled) == 60
    arrived = set(words(sentry.events))
    assert arrived <= set(settled)
    assert {word for word, worker in settled.items() if worker == id} <= arrived


def test_a_run_that_is_retried_is_no_event_unless_that_is_wanted(
    shop: Site, sentry: FakeSentry
) -> None:
    jobs.PayOften.enqueue("a")
    shop.burst(app=APP)
    attempts = [(event["tags"]["attempt"], event["level"]) for event in sentry.events]
    assert attempts == [("2", "error")]

    options(shop, retried=True)
    jobs.PayOften.enqueue("b")
    shop.burst(app=APP)

    attempts = [(event["tags"]["attempt"], event["level"]) for event in sentry.events[1:]]
    assert attempts == [("1", "warning"), ("2", "error")]


def test_a_job_of_an_unknown_class_is_an_event(shop: Site, sentry: FakeSentry) -> None:
    shop.app.push("shop.Gone", queue="default")

    shop.burst(app=APP)

    [event] = sentry.events
    assert error_of(event)[0] == "UnknownJob"
    assert event["tags"]["job_class"] == "shop.Gone"


@pytest.mark.parametrize(("executor", "dies"), [("fork", False), ("fork", True), ("thread", False)])
def test_a_scheduled_job_checks_in_and_out(
    shop: Site, sentry: FakeSentry, executor: str, dies: bool
) -> None:
    options(shop, monitors=True)
    if dies:
        shop.environ["REPORT_DIES"] = "1"
    code, output = shop.run("schedule", "run", jobs.Report.name, "-a", f"{APPS}.{APP}")
    assert code == 0, output

    shop.burst("--executor", executor, app=APP)

    statuses = [each["status"] for each in sentry.check_ins]
    # A process that is killed at once may not have said that it has begun.
    assert statuses[-1] == ("error" if dies else "ok")
    assert dies or statuses == ["in_progress", "ok"]
    [slug] = {each["monitor_slug"] for each in sentry.check_ins}
    assert slug.startswith("tests-system-apps-to_sentry-report")
    schedule = {"schedule": {"type": "crontab", "value": "0 8 * * *"}, "timezone": "UTC"}
    assert sentry.check_ins[-1]["monitor_config"] == schedule


def test_a_sentry_that_hangs_holds_no_worker_back(shop: Site, sentry: FakeSentry) -> None:
    options(shop, flush_seconds=0.5)
    sentry.gate.clear()
    jobs.Charge.enqueue("a")

    shop.burst(app=APP)

    assert sentry.events == []


@pytest.mark.parametrize("executor", ["fork", "thread"])
def test_a_plugin_on_the_class_sends_its_failures(
    shop: Site, sentry: FakeSentry, executor: str
) -> None:
    shop.environ["SENTRY_NOWHERE"] = "1"
    jobs.ByClass.enqueue("a")
    jobs.Charge.enqueue("b")

    shop.burst("--executor", executor, app=APP)

    message, error = sentry.events
    assert message["message"] == "asking for a"
    assert error_of(error)[:2] == ("CardDeclined", "declined: a")
    for event in (message, error):
        assert event["contexts"]["buoy job"]["arguments"] == {"word": "a"}


def test_a_setting_makes_it_the_plugin_of_all_apps(shop: Site, sentry: FakeSentry) -> None:
    shop.environ |= {"SENTRY_NOWHERE": "1", "BUOY_PLUGINS": "buoy_sentry:Sentry"}
    jobs.Charge.enqueue("a")

    shop.burst(app=APP)

    assert words(sentry.events) == ["a"]


def test_children_send_nothing_of_what_their_nursery_has_queued(
    shop: Site, sentry: FakeSentry
) -> None:
    """Else each child would send it again; and all of them over the connection of the nursery."""
    shop.environ["SENTRY_EARLY"] = "1"
    for number in range(6):
        jobs.Charge.enqueue(str(number))

    shop.burst("-c", "3", app=APP)

    errors = [event for event in sentry.events if "exception" in event]
    early = [event for event in sentry.events if "exception" not in event]
    assert words(errors) == ["0", "1", "2", "3", "4", "5"]
    assert [event["message"] for event in early] == ["the app is loaded"]
