"""A schedule file that is read again while the daemon runs."""

import logging
from pathlib import Path

import pytest

from buoy import App, Job
from buoy_scheduler.daemon import Daemon
from buoy_scheduler.schedule import written

from .conftest import Days


class Report(Job):
    queue = "reports"

    def perform(self) -> None: ...


GOOD = f"a: {{every: 1m, class: {Report.name}}}\nb: {{every: 2m, class: {Report.name}}}\n"


class Reader:
    """A daemon that follows a file."""

    def __init__(self, days: Days, app: App, path: Path) -> None:
        self.days, self.path = days, path
        path.write_text(GOOD)
        self.daemon = Daemon(app, lambda: written(path, None))
        days.step(self.daemon)

    def again(self, text: str) -> dict[str, int | None]:
        """What is followed after it has read this."""
        self.path.write_text(text)
        return self.hup()

    def hup(self) -> dict[str, int | None]:
        self.daemon.stale = True
        self.days.step(self.daemon)
        return {name: course.entry.every for name, course in self.daemon.courses.items()}


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
def test_what_cannot_be_read_leaves_all_as_it_was(
    reader: Reader, text: str, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert reader.again(text) == {"a": 60, "b": 120}

    first, *others = sorted(caplog.messages, key=lambda each: "expected a whole one" in each)
    assert first.startswith(error.format(path=reader.path))
    assert others == ["schedule file: expected a whole one; until then a, b as before"]
    assert reader.hup() == {"a": 60, "b": 120}  # also the second time
    assert len(caplog.messages) == 2  # told once
    assert reader.again(f"c: {{every: 5m, class: {Report.name}}}\n") == {"c": 300}


def test_a_file_that_is_gone_or_may_not_be_read_leaves_all_as_it_was(reader: Reader) -> None:
    reader.path.unlink()
    assert reader.hup() == {"a": 60, "b": 120}

    reader.path.mkdir()
    assert reader.hup() == {"a": 60, "b": 120}


def test_one_that_is_wrong_goes_on_as_it_was_and_the_others_as_they_are(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    text = f"a: {{every: often}}\nc: {{every: 5m, class: {Report.name}}}\nd: {{every: never}}\n"

    assert reader.again(text) == {"a": 60, "c": 300}

    wanted = "every: expected a duration like 30s, 5m, 1h or 1d, got"
    assert caplog.messages == [
        f"schedule entry 'a': {wanted} 'often'; it goes on as it was before",
        f"schedule entry 'd': {wanted} 'never'; it is left out",
    ]
    assert reader.again(f"c: {{every: 5m, class: {Report.name}}}\n") == {"c": 300}


def test_of_two_of_one_name_the_first_is_followed(reader: Reader) -> None:
    text = GOOD + f"a: {{every: 7m, class: {Report.name}}}\n"

    assert reader.again(text.replace("1m", "3m")) == {"a": 180, "b": 120}


def test_who_starts_with_a_file_that_cannot_be_read_follows_none(
    days: Days, buoy_app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("buoy_scheduler.plugin.job_classes", {})
    daemon = Daemon(buoy_app, lambda: written(tmp_path / "none.yml", None))

    days.step(daemon)

    assert daemon.courses == {}


def test_an_entry_that_moves_to_another_queue_and_back_fires_nothing_twice(
    reader: Reader, buoy_app: App
) -> None:
    def waiting() -> int:
        return sum(view.queued for view in buoy_app.monitor.queues(["reports", "other"]))

    for queue in ("other", "reports"):
        reader.again(f"a: {{every: 1m, class: {Report.name}, queue: {queue}}}\n")
        before = waiting()
        reader.days.pass_with(reader.daemon, seconds=300)
        assert waiting() == before + 5
