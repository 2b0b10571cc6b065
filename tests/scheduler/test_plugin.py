"""``Cron`` on job classes."""

import json
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest

from buoy import App, ConfigurationError, Job, Without
from buoy.testing import plugin_contract
from buoy_scheduler import Cron, Entry
from buoy_scheduler.daemon import Daemon
from buoy_scheduler.plugin import declared
from buoy_scheduler.schedule import written

from .conftest import Days


class Daily(Job):
    plugins = [Cron("0 8 * * mon-fri", tz="Europe/Berlin", args=[1, {"a": []}], missed="skip")]

    def perform(self, number: int, extra: dict[str, list[int]]) -> None: ...


class Twice(Job):
    plugins = [Cron("0 8 * * *", "0 20 * * sat", description="for the boss", overlap=False)]

    def perform(self) -> None: ...


class Often(Job):
    plugins = [Cron(every="30s")]

    def perform(self) -> None: ...


class Nightly(Job):
    """No job class itself: it has no perform."""

    plugins = [Cron("@daily")]


class Sweep(Nightly):
    def perform(self) -> None: ...


class Rinse(Sweep):
    pass


class Never(Sweep):
    plugins = [Without(Cron)]


class Weekly(Sweep):
    plugins = [Cron("@weekly")]


Only = Callable[..., list[Entry]]


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Only:
    """The entries of an app that has imported these classes only."""

    def only(*jobs: type[Job]) -> list[Entry]:
        monkeypatch.setattr("buoy_scheduler.plugin.job_classes", {job.name: job for job in jobs})
        return list(written(None).entries.values())

    return only


def test_a_class_is_an_entry_of_its_name(only: Only) -> None:
    [entry] = only(Daily)

    assert (entry.name, entry.job, entry.cron) == (Daily.name, Daily.name, "0 8 * * mon-fri")
    assert (entry.tz, entry.args, entry.missed) == ("Europe/Berlin", '[1, {"a": []}]', "skip")


def test_several_expressions_are_entries_named_after_both(only: Only) -> None:
    assert [(entry.name, entry.cron, entry.overlap) for entry in only(Twice)] == [
        (f"{Twice.name} 0 8 * * *", "0 8 * * *", False),
        (f"{Twice.name} 0 20 * * sat", "0 20 * * sat", False),
    ]


@pytest.mark.parametrize("one", ["sales", 42, {"a": 1}])
def test_what_is_no_list_is_the_one_argument(one: Any) -> None:
    [entry] = Cron("@daily", args=one).entries("shop.Report")

    assert json.loads(entry.args) == [one]


def test_every(only: Only) -> None:
    [entry] = only(Often)

    assert (entry.name, entry.every) == (Often.name, 30)


def test_a_subclass_inherits_it_by_the_rule_of_plugins_and_fires_on_its_own(only: Only) -> None:
    entries = only(Sweep, Rinse, Never, Weekly)

    assert [(entry.job, entry.cron) for entry in entries] == [
        (Sweep.name, "@daily"),
        (Rinse.name, "@daily"),
        (Weekly.name, "@weekly"),
    ]


def test_all_classes_that_the_app_has_imported_are_asked() -> None:
    names = [name for name, _ in declared()]

    assert {Daily.name, Often.name, Sweep.name} <= set(names)
    assert Nightly.name not in names


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Cron, "when: expected either cron or every, got 'neither'"),
        (
            lambda: Cron("@daily", every="1h"),
            "when: expected either cron or every, got 'cron and every'",
        ),
        (lambda: Cron("0 0 30 2 *"), "cron: expected dates that there are, got '0 0 30 2 *'"),
        (lambda: Cron("@daily", tz="Mars"), "tz: expected a time zone like 'Europe/Berlin', "),
        (lambda: Cron(every="often"), "every: expected a duration like 30s, 5m, 1h or 1d, got"),
        (lambda: Cron("@daily", args=[object()]), "args: expected what JSON can hold, got"),
        (lambda: Cron(["@daily"]), "cron: expected a text, got ['@daily']"),  # type: ignore[arg-type]
        (
            lambda: Cron("@daily", tz=UTC),  # type: ignore[arg-type]
            "tz: expected a time zone like 'Europe/Berlin', got datetime.timezone.utc",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_is_declared(make: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make()

    assert str(raised.value).startswith(f"Cron: {reason}")


def test_it_is_a_value(buoy_app: App) -> None:
    plugin_contract(Cron("@daily", args=[[1], {"a": 2}]))
    assert Cron("@daily", args=[[1]]) == Cron("@daily", args=[[1]])
    assert Cron("@daily", args=[[1]]) != Cron("@daily", args=[[2]])


def test_its_ticks_are_fired(days: Days, buoy_app: App, only: Only) -> None:
    only(Often)
    daemon = Daemon(buoy_app, lambda: written(None))
    days.step(daemon)
    days.pass_with(daemon, seconds=61)

    assert [view.name for view in buoy_app.monitor.peek("default")] == [Often.name] * 2


def test_a_class_whose_name_cannot_be_that_of_an_entry_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    odd = type("Odd", (Often,), {"name": "a\tb"})
    monkeypatch.setattr("buoy_scheduler.plugin.job_classes", {"x": odd, Often.name: Often})

    schedule = written(None)

    assert list(schedule.entries) == [Often.name]
    [error] = schedule.errors
    assert str(error) == (
        r"schedule entry 'a\tb': name: expected one line of at most 200 characters, got 'a\tb'"
    )
