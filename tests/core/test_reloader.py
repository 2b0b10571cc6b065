"""Which files a reloader watches, and what it does with its programs."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from buoy.worker import source_files
from buoy.worker.reloader import Program, Reloader
from buoy.worker.source_files import SourceFiles, import_folders


class TestSourceFiles:
    def test_a_file_that_is_changed_added_or_removed_is_told_once(self, tmp_path: Path) -> None:
        file = tmp_path / "shop" / "jobs.py"
        file.parent.mkdir()
        file.write_text("1\n")
        (tmp_path / "notes.txt").touch()
        files = SourceFiles([str(tmp_path)])
        assert files.changed() is None

        file.write_text("22\n")
        assert (files.changed(), files.changed()) == (str(file), None)
        new = tmp_path / "new.py"
        new.touch()
        assert (files.changed(), files.changed()) == (str(new), None)
        new.unlink()
        assert (files.changed(), files.changed()) == (str(new), None)
        (tmp_path / "notes.txt").write_text("x")
        assert files.changed() is None
        config = tmp_path / "buoy.toml"
        config.touch()
        assert files.changed() == str(config)

    def test_hidden_folders_and_environments_are_left_out(self, tmp_path: Path) -> None:
        (tmp_path / "env").mkdir()
        (tmp_path / "env" / "pyvenv.cfg").touch()
        for folder in (".git", "env", "env/lib", "node_modules", "a/site-packages", "__pycache__"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / "x.py").touch()
        (tmp_path / "a" / "x.py").touch()

        assert list(SourceFiles([str(tmp_path)]).stamps) == [str(tmp_path / "a" / "x.py")]

    def test_not_all_of_the_world_is_watched(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(source_files, "MOST_FILES", 2)
        for number in range(5):
            (tmp_path / f"{number}.py").touch()

        assert len(SourceFiles([str(tmp_path)]).stamps) == 2

    def test_files_that_vanish_while_they_are_read_do_no_harm(self, tmp_path: Path) -> None:
        (tmp_path / "dangling.py").symlink_to(tmp_path / "nowhere")

        assert SourceFiles([str(tmp_path), str(tmp_path / "no-folder")]).stamps == {}

    def test_what_is_imported_from_and_not_installed_is_watched(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "src").mkdir()
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "src"), "", "/no/such.zip"])

        found = import_folders()

        assert {str(tmp_path), str(tmp_path / "src")} <= set(found)
        assert os.path.dirname(os.__file__) not in found  # noqa: PTH120
        assert os.path.dirname(os.path.dirname(pytest.__file__)) not in found  # noqa: PTH120


SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def reloader(tmp_path: Path, told: list[str], started: list[subprocess.Popen[bytes]]) -> Reloader:
    """A reloader of one program that sleeps."""

    def start(program: Program) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(program.command, stdout=subprocess.DEVNULL))
        return started[-1]

    return Reloader([Program("sleeper", SLEEP)], start, told.append, SourceFiles([str(tmp_path)]))


def test_a_program_that_cannot_be_started_waits_for_a_change(
    reloader: Reloader, told: list[str]
) -> None:
    reloader.programs[0].command = ["/no/such/program"]

    reloader.start_missing()
    reloader.start_missing()

    said = "[Errno 2] No such file or directory: '/no/such/program'"
    assert told == [f"sleeper cannot be started: {said}; waiting for a change"]
    assert not reloader.is_over()
    reloader.restart("shop.py")
    assert told[1] == "shop.py has changed: starting again"
    assert reloader.programs[0].starts_again


def test_changes_while_jobs_end_do_not_end_them_at_once(
    reloader: Reloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    reloader.start_missing()
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", lambda pid, number: sent.append(number))
        reloader.restart("shop.py")
        reloader.restart("shop.py")

    assert sent == [signal.SIGTERM]


def test_the_third_signal_that_says_stop_kills(
    reloader: Reloader, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    reloader.start_missing()
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", lambda pid, number: sent.append(number))
        for number in (signal.SIGUSR2, signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            reloader.handle_signal(number)

    assert sent == [signal.SIGUSR2, signal.SIGTERM, signal.SIGTERM, signal.SIGKILL]
    assert told == ["stopping; a second Ctrl-C ends the running jobs at once"]
    assert not reloader.is_over()


@pytest.mark.parametrize(
    ("status", "again", "finished", "said"),
    [
        (0, False, True, []),
        (75 << 8, True, False, []),
        (1 << 8, False, False, ["sleeper has ended (exit 1): waiting for a change"]),
        (9, False, False, ["sleeper has ended (signal 9 (SIGKILL)): waiting for a change"]),
    ],
)
def test_what_follows_the_end_of_a_program(
    reloader: Reloader, told: list[str], status: int, again: bool, finished: bool, said: list[str]
) -> None:
    [program] = reloader.programs
    program.starts_again = False

    reloader.handle_exit(program, status)

    assert (program.starts_again, program.finished, told) == (again, finished, said)
    assert reloader.is_over() == finished
