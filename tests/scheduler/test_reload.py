"""A schedule file that is read again while the daemon runs."""

import logging
from pathlib import Path

import pytest

from buoy import App, Job
from buoy_scheduler.daemon.daemon import Daemon
from buoy_scheduler.schedule import declared_schedule

from .conftest import Days


class Report(Job):
    queue = "reports"

    def perform(self) -> None: ...


GOOD = f"a: {{every: 1m, class: {Report.name}}}\nb: {{every: 2m, class: {Report.name}}}\n"


class Reader:
    """A daemon with a schedule file."""

    def __init__(self, days: Days, app: App, path: Path) -> None:
        self.days, self.path = days, path
        path.write_text(GOOD)
        self.daemon = Daemon(app, lambda: declared_schedule(path, None))
        days.step(self.daemon)

    def reload(self, text: str) -> dict[str, int | None]:
        """Writes and reloads the file; returns the periods of the entries that fire."""
        self.path.write_text(text)
        return self.hup()

    def hup(self) -> dict[str, int | None]:
        self.daemon.stale = True
        self.days.step(self.daemon)
        return {name: progress.entry.every for name, progress in self.daemon.progress.items()}


@pytest.fixture
def reader(
    days: Days,
    buoy_app: App,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> Reader:
    monkeypatch.setattr("buoy_scheduler.plugin.job_classes", {})
    caplog.set_level(logging.ERROR)
    return Reader(days, buoy_app, tmp_path / "schedule.yml")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("- x\n", "schedule {path}: cannot be read: expected names, each with an entry"),
        ("a: [\n", "schedule entry 'a': expected YAML, got: expected the node content, but found "),
        ("<% if x %>\n", "schedule {path}: cannot be read: line 1: expected plain YAML, got the "),
        ("x" * (1 << 21), "schedule {path}: cannot be read: expected at most 1048576 bytes, got "),
        ("\x00", "schedule "),
    ],
)
def test_an_unreadable_file_leaves_all_entries_as_they_were(
    reader: Reader, text: str, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert reader.reload(text) == {"a": 60, "b": 120}

    first, *others = sorted(caplog.messages, key=lambda each: "expected a whole one" in each)
    assert first.startswith(error.format(path=reader.path))
    assert others == ["schedule file: expected a complete one; until then a, b as before"]
    assert reader.hup() == {"a": 60, "b": 120}  # also the second time
    assert len(caplog.messages) == 2  # logged once
    assert reader.reload(f"c: {{every: 5m, class: {Report.name}}}\n") == {"c": 300}


def test_a_missing_or_forbidden_file_leaves_all_entries_as_they_were(reader: Reader) -> None:
    reader.path.unlink()
    assert reader.hup() == {"a": 60, "b": 120}

    reader.path.mkdir()
    assert reader.hup() == {"a": 60, "b": 120}


def test_a_wrong_entry_falls_back_to_its_previous_version(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    text = f"a: {{every: often}}\nc: {{every: 5m, class: {Report.name}}}\nd: {{every: never}}\n"

    assert reader.reload(text) == {"a": 60, "c": 300}

    wanted = "every: expected a duration like 30s, 5m, 1h or 1d, got"
    assert caplog.messages == [
        f"schedule entry 'a': {wanted} 'often'; its previous version is used",
        f"schedule entry 'd': {wanted} 'never'; it is left out",
    ]
    assert reader.reload(f"c: {{every: 5m, class: {Report.name}}}\n") == {"c": 300}


def test_of_two_entries_with_one_name_the_first_is_used(reader: Reader) -> None:
    text = GOOD + f"a: {{every: 7m, class: {Report.name}}}\n"

    assert reader.reload(text.replace("1m", "3m")) == {"a": 180, "b": 120}


def test_a_daemon_that_starts_with_an_unreadable_file_has_no_entries(
    days: Days, buoy_app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("buoy_scheduler.plugin.job_classes", {})
    daemon = Daemon(buoy_app, lambda: declared_schedule(tmp_path / "none.yml", None))

    days.step(daemon)

    assert daemon.progress == {}


def test_an_entry_that_moves_to_another_queue_and_back_fires_nothing_twice(
    reader: Reader, buoy_app: App
) -> None:
    def waiting() -> int:
        return sum(view.queued for view in buoy_app.monitor.queues(["reports", "other"]))

    for queue in ("other", "reports"):
        reader.reload(f"a: {{every: 1m, class: {Report.name}, queue: {queue}}}\n")
        before = waiting()
        reader.days.pass_with(reader.daemon, seconds=300)
        assert waiting() == before + 5
