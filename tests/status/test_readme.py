"""The README: its example and its tables."""

import re
from pathlib import Path
from typing import get_args

from buoy import App
from buoy.embedded.server import Server
from tests.docs.blocks import Page, shell


def test_the_example_of_the_readme_runs(tmp_path: Path, buoy_server: Server, buoy_app: App) -> None:
    page = Page("packages/status/README.md")
    page.write_files(tmp_path)
    [commands] = page.blocks("sh")
    output = shell(f"export BUOY_NAMESPACE=readme\n{commands}", tmp_path, buoy_server.url)

    assert output.splitlines() == ["queued: in progress", "paid: A-42"]


def test_every_option_is_documented_with_its_default() -> None:
    from buoy_status import Status

    text = Page("packages/status/README.md").text()
    for name, field in Status.__dataclass_fields__.items():
        assert f"| `{name}` | `{field.default}` |" in text


def test_every_state_is_documented() -> None:
    from buoy_status.state import ENDS, StateName

    text = Page("packages/status/README.md").text()
    live, _ = get_args(StateName)
    assert re.findall(r'^\| `"(\w+)"` \|', text, re.MULTILINE) == [*get_args(live), *ENDS]


def test_every_key_is_documented() -> None:
    from buoy import App
    from buoy_status import store

    app, text = App(), Page("packages/status/README.md").text()
    for key in (
        store.last_key(app, "mail", "DIGEST"),
        store.record_key(app, "mail", "ID"),
        store.progress_key(app, "mail", "ID"),
        store.wakeup_key(app, "mail", "ID"),
    ):
        assert f"| `{key}` |" in text
    assert f">{store.claim_of('DIGEST')}" in text
