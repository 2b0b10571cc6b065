"""The README: its example and its tables."""

from pathlib import Path

from buoy import App
from buoy.embedded.server import Server
from buoy_history import History, store
from tests.docs.blocks import Page, shell

PAGE = Page("packages/history/README.md")


def test_the_example_of_the_readme_runs(tmp_path: Path, buoy_server: Server, buoy_app: App) -> None:
    PAGE.write_files(tmp_path)
    [commands] = PAGE.blocks("sh")

    output = shell(f"export BUOY_NAMESPACE=readme\n{commands}", tmp_path, buoy_server.url)

    assert output.splitlines() == [
        "failed [-1] no purchase -1",
        "done [42] charged 42",
        '    "message": "no purchase -1",',
    ]


def test_every_option_is_documented_with_its_default() -> None:
    for name, field in History.__dataclass_fields__.items():
        assert f"| `{name}` | `{field.default!r}` |" in PAGE.text()


def test_every_key_is_documented() -> None:
    app = App()
    for key in (store.ended_key(app, "mail", "CLASS"), store.classes_key(app, "mail")):
        assert f"| `{key}` |" in PAGE.text()
