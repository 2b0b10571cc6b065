"""``Cron`` on job classes."""

import json
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest

from buoy import App, ConfigurationError, Job, Without
from buoy.testing import plugin_contract
from buoy_scheduler import Cron, Entry
from buoy_scheduler.daemon.daemon import Daemon
from buoy_scheduler.plugin import declared_crons
from buoy_scheduler.schedule import declared_schedule

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
        return list(declared_schedule(None).entries.values())

    return only


def test_a_class_with_cron_is_an_entry_of_its_name(only: Only) -> None:
    [entry] = only(Daily)

    assert (entry.name, entry.job, entry.cron) == (Daily.name, Daily.name, "0 8 * * mon-fri")
    assert (entry.tz, entry.args, entry.missed) == ("Europe/Berlin", '[1, {"a": []}]', "skip")


def test_each_of_several_expressions_is_an_entry(only: Only) -> None:
    assert [(entry.name, entry.cron, entry.overlap) for entry in only(Twice)] == [
        (f"{Twice.name} 0 8 * * *", "0 8 * * *", False),
        (f"{Twice.name} 0 20 * * sat", "0 20 * * sat", False),
    ]


@pytest.mark.parametrize("one", ["sales", 42, {"a": 1}])
def test_cron_args_that_are_no_list_are_the_only_argument(one: Any) -> None:
    [entry] = Cron("@daily", args=one).entries("shop.Report")

    assert json.loads(entry.args) == [one]


def test_cron_accepts_every(only: Only) -> None:
    [entry] = only(Often)

    assert (entry.name, entry.every) == (Often.name, 30)


def test_a_subclass_inherits_cron_and_has_its_own_entry(only: Only) -> None:
    entries = only(Sweep, Rinse, Never, Weekly)

    assert [(entry.job, entry.cron) for entry in entries] == [
        (Sweep.name, "@daily"),
        (Rinse.name, "@daily"),
        (Weekly.name, "@weekly"),
    ]


def test_all_imported_classes_are_declared() -> None:
    names = [name for name, _ in declared_crons()]

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
        (lambda: Cron("0 0 30 2 *"), "cron: expected dates that exist, got '0 0 30 2 *'"),
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
def test_a_wrong_cron_is_refused_where_it_is_declared(make: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make()

    assert str(raised.value).startswith(f"Cron: {reason}")


def test_cron_is_a_value(buoy_app: App) -> None:
    plugin_contract(Cron("@daily", args=[[1], {"a": 2}]))
    assert Cron("@daily", args=[[1]]) == Cron("@daily", args=[[1]])
    assert Cron("@daily", args=[[1]]) != Cron("@daily", args=[[2]])


def test_the_ticks_of_a_class_are_fired(days: Days, buoy_app: App, only: Only) -> None:
    only(Often)
    daemon = Daemon(buoy_app, lambda: declared_schedule(None))
    days.step(daemon)
    days.pass_with(daemon, seconds=61)

    assert [view.name for view in buoy_app.monitor.peek("default")] == [Often.name] * 2


def test_a_class_with_an_invalid_entry_name_does_not_affect_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    odd = type("Odd", (Often,), {"name": "a\tb"})
    monkeypatch.setattr("buoy_scheduler.plugin.job_classes", {"x": odd, Often.name: Often})

    schedule = declared_schedule(None)

    assert list(schedule.entries) == [Often.name]
    [error] = schedule.errors
    assert str(error) == (
        r"schedule entry 'a\tb': name: expected one line of at most 200 characters, got 'a\tb'"
    )
