"""Schedule files as people write them, and what becomes of each: corpus/NAME.yml and NAME.json.

``python -m tests.scheduler.test_corpus`` writes the second anew; read what it changes.
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
from buoy_scheduler.daemon import Daemon
from buoy_scheduler.entry import Entry, EntryError
from buoy_scheduler.file import read_file
from buoy_scheduler.firing import target_of
from buoy_scheduler.schedule import written
from buoy_scheduler.spelling import fields_of
from buoy_scheduler.words import described

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
    return fields_of(entry) | state | {"when": described(entry)}


def relative(text: str, file: Path) -> str:
    """Without what differs between machines, or is said by croniter."""
    text = text.replace(str(file), file.name)
    return re.sub(r"(cron: expected five fields .* got '[^']*') \(.*?\)(?=;|$)", r"\1", text)


def becomes(file: Path) -> dict[str, Any]:
    """What is to be read beside a file."""
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


def beside(file: Path) -> dict[str, Any]:
    wanted: dict[str, Any] = json.loads(file.with_suffix(".json").read_text())
    return wanted


def test_there_are_enough() -> None:
    assert len(FILES) >= 20
    assert {file.stem for file in CORPUS.glob("*.json")} == {file.stem for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_becomes_what_stands_beside_it(file: Path) -> None:
    assert becomes(file) == beside(file)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_check_and_daemon_are_of_one_mind(
    days: Days, buoy_app: App, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    wanted, env = beside(file), ENVIRONMENTS.get(file.stem)

    daemon = Daemon(buoy_app, lambda: written(file, env))
    days.step(daemon)
    options = [] if env is None else ["--env", env]
    check = CliRunner().invoke(main, ["schedule", "check", str(file), "-a", __name__, *options])

    lines = [relative(line, file) for line in check.output.splitlines()]
    on = [name for name, fields in wanted["entries"].items() if fields.get("enabled", True)]
    assert sorted(daemon.courses) == sorted(on)
    assert {name: found(course.entry) for name, course in daemon.courses.items()} == {
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
def test_without_the_app_all_but_the_classes_is_judged(buoy_app: App, file: Path) -> None:
    env = ENVIRONMENTS.get(file.stem)
    options = [] if env is None else ["--env", env]
    check = CliRunner().invoke(main, ["schedule", "check", str(file), *options])

    told = [relative(line, file) for line in check.stdout.splitlines() if line.startswith("WRONG")]
    about_classes = ("class: expected a job class", "corpus.Report: expected arguments")
    assert told == [
        f"WRONG  {text}"
        for text in beside(file)["wrong"]
        if not any(words in text for words in about_classes)
    ]


if __name__ == "__main__":
    for each in FILES:
        text = json.dumps(becomes(each), indent=2, ensure_ascii=False)
        each.with_suffix(".json").write_text(text + "\n")
