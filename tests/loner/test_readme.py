"""What the page of the package shows does what it says."""

from pathlib import Path

from buoy import App
from buoy.embedded.server import Server
from buoy_loner import Loner
from tests.docs.blocks import Page, shell

PAGE = Page("packages/loner/README.md")


def test_the_example_runs(tmp_path: Path, buoy_server: Server, buoy_app: App) -> None:
    PAGE.write_files(tmp_path)
    [commands] = [block for block in PAGE.blocks("sh") if "buoy worker" in block]

    said = shell(commands, tmp_path, buoy_server.url)

    assert said == "queued exists True\ncharging 42\n"


def test_the_test_passes(tmp_path: Path) -> None:
    PAGE.write_files(tmp_path)

    said = shell("python -m pytest -q -p no:cacheprovider test_comments.py", tmp_path, "redis://no")

    assert "1 passed" in said


def test_every_option_is_documented_with_its_default() -> None:
    defaults = {"until": '`"finished"`', "key": "the identifier", "on_conflict": '`"skip"`'}
    assert list(defaults) == list(Loner.__dataclass_fields__)
    for name, default in defaults.items():
        assert f"| `{name}` | {default} |" in PAGE.text()


def test_every_command_is_documented(tmp_path: Path, buoy_server: Server) -> None:
    for name in ("list", "release"):
        assert f"buoy loner {name}" in PAGE.text()
        assert f"  {name}" in shell("buoy loner --help", tmp_path, buoy_server.url)
