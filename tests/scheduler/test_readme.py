"""The examples of the README do what it says."""

import subprocess
import sys
from pathlib import Path

import pytest

from buoy.embedded.server import Server
from buoy_scheduler.entry_format import KEYS
from tests.docs.blocks import Page

PAGE = Page("packages/scheduler/README.md")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    PAGE.write_files(tmp_path)
    [schedule] = PAGE.blocks("yaml")
    (tmp_path / "schedule.yml").write_text(schedule)
    return tmp_path


def run(folder: Path, server: Server, *words: str) -> str:
    ended = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={"BUOY_URL": server.url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_example_of_delayed_jobs_runs(
    folder: Path, buoy_app: object, buoy_server: Server
) -> None:
    assert run(folder, buoy_server, "reminders.py") == "3 reminders are delayed\n"
    assert run(folder, buoy_server, "-m", "buoy", "delayed", "count") == "2\n"


def test_the_example_of_a_schedule_file_is_right(folder: Path, buoy_server: Server) -> None:
    command = ["-m", "buoy", "schedule", "check", "schedule.yml", "-a", "reports"]

    assert run(folder, buoy_server, *command).startswith("ok     clean up: every 30 seconds; next ")


def test_the_example_of_a_class_is_an_entry(folder: Path, buoy_server: Server) -> None:
    listed = run(folder, buoy_server, "-m", "buoy", "schedule", "list", "-a", "reports")

    assert "at 08:00, Monday through Friday (Europe/Berlin)" in listed


def test_every_key_of_an_entry_is_documented() -> None:
    text = PAGE.text()

    assert [key for key in KEYS if f"| `{key}` |" not in text] == []
