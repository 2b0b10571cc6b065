"""The examples of the README do what it says."""

from pathlib import Path

import pytest

from buoy import App
from buoy.embedded.server import Server
from buoy_loner import Loner
from tests.docs.blocks import Page, shell

PAGE = Page("packages/loner/README.md")


def test_the_first_example_prints_what_the_readme_says(
    tmp_path: Path, buoy_server: Server, buoy_app: App
) -> None:
    PAGE.write_files(tmp_path)
    [commands] = [block for block in PAGE.blocks("sh") if "buoy worker" in block]

    output = shell(commands, tmp_path, buoy_server.url)

    assert output == "queued exists True\ncharging 42\n"


@pytest.mark.parametrize("name", ["test_comments.py", "test_prices.py"])
def test_the_other_examples_pass_their_tests(tmp_path: Path, name: str) -> None:
    PAGE.write_files(tmp_path)

    output = shell(f"python -m pytest -q -p no:cacheprovider {name}", tmp_path, "redis://no")

    assert "1 passed" in output


def test_every_option_is_documented_with_its_default() -> None:
    defaults = {"until": '`"finished"`', "key": "the identifier", "on_conflict": '`"skip"`'}
    assert list(defaults) == list(Loner.__dataclass_fields__)
    for name, default in defaults.items():
        assert f"| `{name}` | {default} |" in PAGE.text()


def test_every_command_is_documented(tmp_path: Path, buoy_server: Server) -> None:
    for name in ("list", "release"):
        assert f"buoy loner {name}" in PAGE.text()
        assert f"  {name}" in shell("buoy loner --help", tmp_path, buoy_server.url)
