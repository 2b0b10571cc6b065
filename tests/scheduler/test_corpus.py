"""Schedule files as people write them (corpus/NAME.yml), and what each is read as (NAME.json).

``python -m tests.scheduler.test_corpus`` writes the JSON files again; read what it changes.
"""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from buoy import App, Job
from buoy.cli import main
from buoy_scheduler.daemon.daemon import Daemon
from buoy_scheduler.entry import Entry, EntryError
from buoy_scheduler.entry_format import fields_of
from buoy_scheduler.plain_language import describe_times
from buoy_scheduler.schedule import declared_schedule
from buoy_scheduler.schedule_file.reader import read_file
from buoy_scheduler.targets import target_of

from .conftest import Days

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(CORPUS.glob("*.yml"))
ENVIRONMENTS = {
    "buoy": "production",
    "resque_by_hand": "production",
    "resque_defaults": "production",
    "resque_merged_sections": "production",
    "resque_rails_env": "production",
    "resque_sections": "staging",
}


class Report(Job):
    name = "corpus.Report"
    queue = "reports"

    def perform(self, subject: str) -> None: ...


class Sitemap(Job):
    name = "SitemapJob"
    queue = "low"

    def perform(self) -> None: ...


class WarmCache(Job):
    name = "WarmCache"
    queue = "low"

    def perform(self) -> None: ...


def found(entry: Entry) -> dict[str, Any]:
    state = {} if entry.enabled else {"enabled": False}
    return fields_of(entry) | state | {"when": describe_times(entry)}


def relative(text: str, file: Path) -> str:
    """Returns a message without what differs between machines or versions of croniter."""
    text = text.replace(str(file), file.name)
    return re.sub(r"(cron: expected five fields .* got '[^']*') \(.*?\)(?=;|$)", r"\1", text)


def read_as(file: Path) -> dict[str, Any]:
    """Returns what a file is read as, in the form of its JSON file."""
    reading = read_file(file, ENVIRONMENTS.get(file.stem))
    entries, wrong = {}, [relative(str(error), file) for error in reading.errors]
    for entry in reading.entries:
        try:
            target_of(entry)
        except EntryError as error:
            wrong.append(str(error))
        else:
            entries[entry.name] = found(entry)
    return {"entries": entries, "notes": reading.notes, "wrong": wrong}


@pytest.fixture(autouse=True)
def only_the_file(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("buoy_scheduler.plugin.job_classes", {})


def expected_of(file: Path) -> dict[str, Any]:
    wanted: dict[str, Any] = json.loads(file.with_suffix(".json").read_text())
    return wanted


def test_the_corpus_has_enough_files() -> None:
    assert len(FILES) >= 20
    assert {file.stem for file in CORPUS.glob("*.json")} == {file.stem for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_is_read_as_its_json_says(file: Path) -> None:
    assert read_as(file) == expected_of(file)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_check_and_daemon_agree_on_a_file(
    days: Days, buoy_app: App, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    wanted, env = expected_of(file), ENVIRONMENTS.get(file.stem)

    daemon = Daemon(buoy_app, lambda: declared_schedule(file, env))
    days.step(daemon)
    options = [] if env is None else ["--env", env]
    check = CliRunner().invoke(main, ["schedule", "check", str(file), "-a", __name__, *options])

    lines = [relative(line, file) for line in check.output.splitlines()]
    on = [name for name, fields in wanted["entries"].items() if fields.get("enabled", True)]
    assert sorted(daemon.progress) == sorted(on)
    assert {name: found(progress.entry) for name, progress in daemon.progress.items()} == {
        name: wanted["entries"][name] for name in on
    }
    left_out = {relative(text, file) for text in caplog.messages}
    assert left_out == {f"{text}; it is left out" for text in wanted["wrong"]}
    assert [line for line in lines if line[:5] == "WRONG"] == [
        f"WRONG  {text}" for text in wanted["wrong"]
    ]
    assert [line for line in lines if line[:4] == "note"] == [
        f"note   {text}" for text in wanted["notes"]
    ]
    good = [line for line in lines if line[:3] in ("ok ", "off")]
    assert [
        line[7:].partition(f": {fields['when']}")[0]
        for line, fields in zip(good, wanted["entries"].values(), strict=True)
    ] == [*wanted["entries"]]
    assert check.exit_code == bool(wanted["wrong"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_check_without_the_app_checks_all_but_the_classes(buoy_app: App, file: Path) -> None:
    env = ENVIRONMENTS.get(file.stem)
    options = [] if env is None else ["--env", env]
    check = CliRunner().invoke(main, ["schedule", "check", str(file), *options])

    wrong = [relative(line, file) for line in check.stdout.splitlines() if line.startswith("WRONG")]
    about_classes = ("class: expected a job class", "corpus.Report: expected arguments")
    assert wrong == [
        f"WRONG  {text}"
        for text in expected_of(file)["wrong"]
        if not any(words in text for words in about_classes)
    ]


if __name__ == "__main__":
    for each in FILES:
        text = json.dumps(read_as(each), indent=2, ensure_ascii=False)
        each.with_suffix(".json").write_text(text + "\n")
