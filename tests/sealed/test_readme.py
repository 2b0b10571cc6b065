"""The README: its example and its tables."""

from pathlib import Path

from buoy import App
from buoy.embedded.server import Server
from buoy_sealed import Sealed
from tests.docs.blocks import Page, shell

PAGE = Page("packages/sealed/README.md")


def test_the_example_of_the_readme_runs(tmp_path: Path, buoy_server: Server, buoy_app: App) -> None:
    PAGE.write_files(tmp_path)
    commands = PAGE.blocks("sh")[1]

    output = shell(f"export BUOY_NAMESPACE=readme\n{commands}", tmp_path, buoy_server.url)

    assert [line.strip() for line in output.splitlines()] == [
        '"args": [',
        '"[sealed]"',
        "charged 4111-1111",
    ]


def test_every_option_is_documented_with_its_default() -> None:
    for name, field in Sealed.__dataclass_fields__.items():
        assert f"| `{name}` | `{field.default!r}` |" in PAGE.text()
