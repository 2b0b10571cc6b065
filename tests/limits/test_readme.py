"""The README: its example, its tables, its commands."""

from pathlib import Path

from buoy import App
from buoy.embedded.server import Server
from buoy_limits import Debounce, Fair, Limit, Lonely, Rate, Throttle
from tests.docs.blocks import Page, shell

PAGE = Page("packages/limits/README.md")


def test_the_example_of_the_readme_runs(tmp_path: Path, buoy_server: Server, buoy_app: App) -> None:
    PAGE.write_files(tmp_path)
    [commands] = [block for block in PAGE.blocks("sh") if "buoy worker" in block]

    output = shell(f"export BUOY_NAMESPACE=readme\n{commands}", tmp_path, buoy_server.url)

    lines = output.splitlines()
    assert lines[:2] == ["queued queued blocked", "queued"]
    counts = ["2", "2", "1", *"----"]
    assert lines[3].split() == ["Limit:charges.Charge", 'account="ann"', "purchasing", *counts]
    assert sorted(lines[-4:]) == [f"charging {who}" for who in ("ann 1", "ann 2", "ann 3", "bob 4")]


def test_every_option_is_documented() -> None:
    for plugin in (Limit, Lonely, Fair, Rate, Throttle, Debounce):
        for name in plugin.__dataclass_fields__:
            assert f"`{name}`" in PAGE.text()


def test_every_command_is_documented(tmp_path: Path, buoy_server: Server) -> None:
    for name in ("list", "set", "reset"):
        assert f"buoy limits {name}" in PAGE.text()
        assert f"  {name}" in shell("buoy limits --help", tmp_path, buoy_server.url)
