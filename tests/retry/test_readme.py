"""The README lists what the code has."""

import inspect
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import buoy_retry
from buoy.cli import main
from buoy_retry import Exponential, Retry
from buoy_retry.attempts import LENGTH, MESSAGE_LIMIT, Attempt
from buoy_retry.http import TEMPORARY

README = (Path(__file__).parents[2] / "packages" / "retry" / "README.md").read_text()


def test_every_option_is_listed_in_order_with_its_default() -> None:
    section = README.partition("## Options")[2].partition("## When")[0]
    shown = re.findall(r"^\| `(\w+)` \| (.*?) \|", section, re.MULTILINE)
    options = inspect.signature(Retry).parameters.values()

    assert [name for name, _ in shown] == [each.name for each in options]
    for option, (_, default) in zip(options, shown, strict=True):
        value = getattr(option.default, "__name__", repr(option.default))
        assert default == ("none" if option.default in ((), None) else f"`{value}`")


def test_the_defaults_of_exponential_are_documented() -> None:
    delay = Exponential()
    wanted = f"first={delay.first:g}, factor={delay.factor:g}, cap={delay.cap:g}"

    assert f"`Exponential({wanted}, jitter={delay.jitter})`" in README


@pytest.mark.parametrize("name", buoy_retry.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    assert name in README.replace("failed attempts", "Attempt")


def test_bounds_and_statuses_are_those_of_the_code() -> None:
    assert f"last {LENGTH} failed attempts" in README
    assert f"`message` ({MESSAGE_LIMIT} characters)" in README
    assert f"status {', '.join(map(str, sorted(TEMPORARY)))} |" in README
    for name in Attempt.__dataclass_fields__:
        assert f"`{name}`" in README


OF_ALL_COMMANDS = {"--help", "--url", "--namespace"}


@pytest.mark.parametrize("command", ["list", "show", "now", "cancel"])
def test_every_command_is_documented_with_its_options(command: str) -> None:
    help_text = CliRunner().invoke(main, ["retry", command, "--help"]).output

    assert f"`buoy retry {command}" in README
    for option in set(re.findall(r"--[a-z-]+", help_text)) - OF_ALL_COMMANDS:
        assert option in README
