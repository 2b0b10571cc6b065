"""The README: its example and its tables."""

from pathlib import Path

from buoy import App
from buoy.embedded.server import Server
from buoy_steps import Steps
from buoy_steps.progress import Progress
from tests.docs.blocks import Page, shell

PAGE = Page("packages/steps/README.md")


def test_the_example_of_the_readme_runs(tmp_path: Path, buoy_server: Server, buoy_app: App) -> None:
    PAGE.write_files(tmp_path)
    [commands] = PAGE.blocks("sh")

    output = shell(f"export BUOY_NAMESPACE=readme\n{commands}", tmp_path, buoy_server.url)

    rows = [f"import customer {number}" for number in range(1, 6)]
    assert output.splitlines() == ["queued", "download customers.csv", *rows, "report"]


def test_every_option_is_documented_with_its_default() -> None:
    for name, field in Steps.__dataclass_fields__.items():
        assert f"| `{name}` | `{field.default!r}` |" in PAGE.text()


def test_every_field_of_the_progress_is_documented() -> None:
    fields = PAGE.text().split("## In Redis")[1]

    assert all(f"`{name}`" in fields for name in Progress.__dataclass_fields__)
