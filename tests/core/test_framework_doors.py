"""What the core offers to packages that bring it into a framework."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from buoy import App, ConfigurationError, Job
from buoy.cli import program
from buoy.cli.worker import own_command
from buoy.jobs import registry
from buoy.plugins import find_classes_by, text_setting, use_settings
from buoy.plugins.commands import run_commands
from buoy.process import config_file
from buoy.settings import settings
from buoy.testing import drain


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """No framework outlives its test."""
    yield
    for each in (config_file.in_its_place, program.running, registry.finders):
        each.clear()


# use_settings


def test_settings_of_a_framework_take_the_place_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("buoy.toml").write_text('namespace = "file"\nqueues = "mail"\n')
    use_settings("settings.BUOY", {"lease": 5, "plugins": ["a:b", "c:d"]})

    found = settings({"BUOY_LEASE": "6"})

    assert (found.namespace, found.lease, found.plugins) == ("buoy", 6.0, "a:b,c:d")
    assert settings({}, lease=7).lease == 7
    assert text_setting("queues", {}) is None


def test_settings_that_are_used_later_replace_those_before() -> None:
    use_settings("one", {"lease": 5})
    use_settings("two", {"namespace": "shop"})

    assert (settings({}).lease, settings({}).namespace) == (30.0, "shop")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"leas": 5}, "; got 'leas'; did you mean lease?"),
        ({"lease": "x"}, "settings.BUOY: lease: expected a number, got 'x'"),
        ({"lease": -1}, "settings.BUOY: lease: expected more than 0 seconds, and finite, got -1.0"),
        ({"url": Path("x")}, "settings.BUOY: url: expected a text, got PosixPath"),
    ],
)
def test_messages_name_the_settings_of_the_framework(
    table: dict[str, object], message: str
) -> None:
    use_settings("settings.BUOY", table)

    with pytest.raises(ConfigurationError) as error:
        settings({})

    assert str(error.value).startswith("settings.BUOY: ")
    assert str(error.value).endswith(message)


# run_commands


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run a command of a framework; returns its exit code and what it says."""
    with pytest.raises(SystemExit) as end:
        run_commands(arguments, name="manage.py buoy", command=["python", "manage.py", "buoy"])
    code = end.value.code
    written = capsys.readouterr()
    return int(code or 0), written.out + written.err


def test_usage_and_messages_name_the_program_of_the_framework(
    buoy_app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "queues", "--help")[1].startswith("Usage: manage.py buoy queues [OPTIONS]")
    assert run(capsys, "queues", "peek", "no") == (
        1,
        "Error: no: expected a queue that anything was ever enqueued to; see manage.py buoy "
        "queues\n",
    )
    code, said = run(capsys, "qeues")
    assert (code, said.splitlines()[-1]) == (
        2,
        "Error: No such command 'qeues'. Did you mean 'queues'?",
    )


def test_advice_of_doctor_names_it_too_and_nothing_else_is_changed(
    buoy_app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    buoy_app.push("shop.Pack", [], queue="a buoy worker".replace(" ", "-"))

    _, said = run(capsys, "doctor")

    assert "start one: manage.py buoy worker -a MODULE -q a-buoy-worker\n" in said


def test_other_processes_are_started_by_the_program_of_the_framework(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert own_command("-x") == [sys.executable, "-m", "buoy", *sys.argv[1:], "-x"]

    run(capsys, "--version")

    assert own_command("-x") == ["python", "manage.py", "buoy", "--version", "-x"]


# find_classes_by


def test_a_class_that_is_not_loaded_is_found_when_its_job_is_to_run(buoy_app: App) -> None:
    asked: list[str] = []

    def finder(name: str) -> None:
        asked.append(name)
        if name == "shop.Late":
            type("Late", (Job,), {"name": name, "perform": lambda self: None})
        if name == "shop.Broken":
            raise SyntaxError("of the module")

    find_classes_by(finder)
    find_classes_by(finder)
    for name in ("Late", "Late", "Unknown", "Broken"):
        buoy_app.push(f"shop.{name}", [], queue="default")

    assert drain(buoy_app) == {"done": 2, "failed": 2}
    assert asked == ["shop.Late", "shop.Unknown", "shop.Broken"]
    failed = {view.name: view.failure["message"] for view in buoy_app.failures.find()}
    assert failed["shop.Unknown"].startswith("no job named 'shop.Unknown'")
    assert failed["shop.Broken"] == "of the module"
