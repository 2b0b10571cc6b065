"""What a command prints on a terminal of a given width."""

import re
from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner

STYLE = re.compile(r"\x1b\[[0-9;]*m")
CLOCK = re.compile(r"\d\d:\d\d:\d\d")

Show = Callable[..., str]


def plain(text: str) -> str:
    """The text without styles, and with one clock time for all."""
    return CLOCK.sub("12:34:56", STYLE.sub("", text))


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Show:
    """Runs a command as on a terminal of so many columns; with 0: as in a pipe."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)

    def show(command: click.Command, *words: str, columns: int = 80, code: int = 0) -> str:
        with monkeypatch.context() as patch:
            patch.setenv("COLUMNS", str(columns))
            patch.setattr("buoy.cli.terminal.is_terminal", lambda _: bool(columns))
            result = CliRunner().invoke(command, words, color=bool(columns))
        assert result.exit_code == code, result.output
        return result.output

    return show
