"""The help lines of commands are read from source; nothing is loaded for them."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from buoy.cli import Commands, main
from buoy.cli.help_lines import read_command

CONTEXT = click.Context(main)
assert isinstance(main, Commands)
NAMES = main.list_commands(CONTEXT)


def line_of(command: click.Command | None) -> str:
    assert command is not None
    return command.get_short_help_str(1000)


@pytest.mark.parametrize("name", NAMES)
def test_the_line_is_that_of_the_command(name: str) -> None:
    read = main.get_described(CONTEXT, name)
    loaded = main.get_command(CONTEXT, name)

    assert read is not loaded
    assert line_of(read) == line_of(loaded)


@pytest.mark.parametrize("ask", ["['--help']", "[], prog_name='buoy', complete_var='_ASK'"])
def test_help_and_completion_load_no_command(ask: str) -> None:
    program = (
        "import os, sys; from buoy.cli import main, CORE\n"
        "os.environ |= {'_ASK': 'bash_complete', 'COMP_WORDS': 'buoy ', 'COMP_CWORD': '1'}\n"
        f"try: main({ask})\n"
        "except SystemExit: pass\n"
        "loaded = {'buoy.cli.' + module for module in CORE.values()} & set(sys.modules)\n"
        "print(sorted(loaded), [name for name in sys.modules if name.startswith('buoy_')])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    output = done.stdout.decode()
    assert "worker" in output
    assert output.endswith("\n[] []\n")


@pytest.mark.parametrize(
    "source",
    [
        '@click.command(short_help="Another.")\ndef hello():\n    "Say hello."',
        '@click.command(help="Another.")\ndef hello():\n    "Say hello."',
        '@click.command(hidden=True)\ndef hello():\n    "Say hello."',
        '@click.command(deprecated=True)\ndef hello():\n    "Say hello."',
        '@click.command(**settings)\ndef hello():\n    "Say hello."',
        '@command\ndef hello():\n    "Say hello."',
        '@click.command()\ndef hello():\n    "One."\n@click.command()\ndef hello():\n    "Two."',
        'def hello():\n    "Say hello."',
        "hello = click.Command('hello')",
        "def hello(",
        "hello\0",
        "",
    ],
)
def test_what_only_loading_can_tell_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    (tmp_path / "own_commands.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)

    assert read_command("hello", "own_commands:hello") is None


def test_what_is_no_module_with_source_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_commands.py").write_bytes(b"\xff = 1")
    monkeypatch.syspath_prepend(tmp_path)

    assert read_command("hello", "own_commands:hello") is None
    assert read_command("hello", "_json:hello") is None
    assert read_command("hello", "own_commands") is None


def test_a_module_is_not_run_for_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "own_package"
    package.mkdir()
    (package / "__init__.py").write_text("1 / 0")
    (package / "cli.py").write_text(
        '1 / 0\n@click.command()\ndef hello():\n    """Say hello.\n\n    More.\n    """'
    )
    monkeypatch.syspath_prepend(tmp_path)

    assert line_of(read_command("hello", "own_package.cli:hello")) == "Say hello."
