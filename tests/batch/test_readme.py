"""The README: its example, its tables, its commands."""

from pathlib import Path

from buoy import App
from buoy.embedded.server import Server
from buoy_batch import Batch
from tests.docs.blocks import Page, shell

PAGE = Page("packages/batch/README.md")


def test_the_example_of_the_readme_runs(tmp_path: Path, buoy_server: Server, buoy_app: App) -> None:
    PAGE.write_files(tmp_path)
    [commands] = [block for block in PAGE.blocks("sh") if "buoy worker" in block]

    output = shell(f"export BUOY_NAMESPACE=readme\n{commands}", tmp_path, buoy_server.url)

    lines = output.splitlines()
    assert lines[0].startswith("Progress(state='closed', description='rows of March', total=20")
    assert "19 of 20 rows are imported, 1 failed" in lines
    assert lines[-1].split()[1:] == ["complete", "20", "0", "19", "1", "0", "rows", "of", "March"]


def test_every_method_is_documented() -> None:
    text = PAGE.text()
    for name in vars(Batch):
        if not name.startswith("_") and name not in ("run_steps", "arun_steps", "app"):
            assert f"{name}" in text, name


def test_every_command_is_documented(tmp_path: Path, buoy_server: Server) -> None:
    for name in ("list", "show", "cancel", "repair"):
        assert f"buoy batch {name}" in PAGE.text()
        assert f"  {name}" in shell("buoy batch --help", tmp_path, buoy_server.url)
