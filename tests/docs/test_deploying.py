"""What the page about deploying has people write is understood by the commands."""

import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from buoy.cli import main
from buoy.settings import checked_value

from .blocks import Page, search_path

PAGE = Page("docs/deploying.md")
OPERATIONS = Page("docs/operations.md")


def commands() -> Iterator[list[str]]:
    """Each command of buoy on the page, as words."""
    for body in [*PAGE.blocks("yaml"), *OPERATIONS.blocks("yaml")]:
        for document in yaml.safe_load_all(body):
            yield from commands_in(document)
    for body in [*PAGE.blocks("dockerfile"), *OPERATIONS.blocks("dockerfile")]:
        for words in re.findall(r"CMD (\[.*\])", body):
            yield yaml.safe_load(words)
    for text in re.findall(r"(?:^ExecStart=/\S*/|: )(buoy \w.*)$", PAGE.text(), re.MULTILINE):
        yield shlex.split(text)


def commands_in(value: Any) -> Iterator[list[str]]:
    if isinstance(value, dict):
        for each in value.values():
            yield from commands_in(each)
    elif isinstance(value, list):
        words = value[1:] if value[:1] == ["CMD"] else value
        if words[:1] == ["buoy"]:
            yield words
        for each in value:
            yield from commands_in(each)


def test_the_commands_are_found() -> None:
    assert [" ".join(words) for words in commands()] == [
        "buoy scheduler",
        "buoy scheduler --check",
        "buoy worker",
        "buoy worker --check",
        "buoy worker --check",
        "buoy worker",
        "buoy worker --check",
        "buoy worker --check",
        "buoy worker",
        "buoy worker -a shop.jobs",
        "buoy scheduler -a shop.jobs",
    ]


def test_each_command_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUOY_APP", "shop.jobs")
    monkeypatch.setenv("BUOY_LOG_FORMAT", "text")  # the commands set it
    for words in commands():
        command = main.get_command(click.Context(main), words[1])
        assert command is not None

        context = command.make_context(words[1], words[2:])

        assert context.params["app"] == ["shop.jobs"]


def test_the_variables_of_the_page_are_settings() -> None:
    known = {name for command in ("worker", "scheduler") for name in variables_of(command)}
    named = set(re.findall(r"\bBUOY_\w+", PAGE.text()))

    assert named - known == {"BUOY_URL"}


def variables_of(name: str) -> Iterator[str]:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    yield from (str(option.envvar) for option in command.params)


def test_the_configuration_file_of_the_operators_page_is_right() -> None:
    [body] = OPERATIONS.blocks("toml")

    for name, value in tomllib.loads(body).items():
        checked_value("buoy.toml", name, value)


# What the tools say for which these files are


def checked(*command: str) -> str:
    """Returns what a tool says of a file; skips the test where the tool is not installed: in the
    environment of this Python, or for all."""
    tool = shutil.which(command[0], path=search_path())
    if tool is None:
        pytest.skip(f"{command[0]} is not installed")
    ended = subprocess.run([tool, *command[1:]], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def test_the_dockerfile_has_no_fault(tmp_path: Path) -> None:
    [body] = PAGE.blocks("dockerfile")
    (tmp_path / "Dockerfile").write_text(body)

    assert checked("hadolint", str(tmp_path / "Dockerfile")) == ""


def test_the_manifest_is_one_of_kubernetes() -> None:
    validate = pytest.importorskip("kubernetes_validate")
    [manifest] = [body for body in PAGE.blocks("yaml") if "apiVersion" in body]

    validate.validate(yaml.safe_load(manifest), validate.latest_version(), strict=True)


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    [body] = PAGE.blocks("ini")
    # It looks for the user and the program, which are not here.
    unit = re.sub("User=.*\n", "", body).replace("/srv/shop/.venv/bin/buoy", "/bin/true")
    (tmp_path / "shop-worker@.service").write_text(unit.replace("/srv/shop", "/"))
    (tmp_path / "shop-worker@1.service").symlink_to("shop-worker@.service")

    said = checked("systemd-analyze", "verify", str(tmp_path / "shop-worker@1.service"))

    assert "shop-worker" not in said


def test_monit_understands_its_file(tmp_path: Path) -> None:
    [body] = [body for body in PAGE.blocks("text") if "check program" in body]
    (tmp_path / "monitrc").write_text(f"set daemon 30\n{body}")
    (tmp_path / "monitrc").chmod(0o600)

    assert "Control file syntax OK" in checked("monit", "-t", "-c", str(tmp_path / "monitrc"))


def test_the_procfile_is_one(tmp_path: Path) -> None:
    [body] = [body for body in PAGE.blocks("text") if body.startswith("web:")]
    (tmp_path / "Procfile").write_text(body)

    assert "worker" in checked("honcho", "-f", str(tmp_path / "Procfile"), "check")


def test_compose_understands_its_file(tmp_path: Path) -> None:
    [body] = [body for body in PAGE.blocks("yaml") if "services:" in body]
    (tmp_path / "compose.yml").write_text(body)

    checked("docker-compose", "-f", str(tmp_path / "compose.yml"), "config", "--quiet")
