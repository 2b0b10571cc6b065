"""The example of the README does what it says."""

import os
import subprocess
import sys
from pathlib import Path

from buoy.server import Server
from tests.docs.blocks import Page

BIN = Path(sys.executable).parent


def test_the_example_is_told_of_before_and_after_its_job(
    tmp_path: Path, buoy_server: Server
) -> None:
    page = Page("packages/status/README.md")
    page.write_files(tmp_path)
    [commands] = page.blocks("sh")
    environment = {**os.environ, "BUOY_NAMESPACE": "readme", "BUOY_URL": buoy_server.url}
    environment["PATH"] = f"{BIN}:{os.environ['PATH']}"

    ran = subprocess.run(
        ["/bin/sh", "-ec", commands],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.splitlines() == ["waiting: in progress", "paid: A-42"]


def test_every_option_is_documented_with_its_default() -> None:
    from buoy_status import Status

    text = Page("packages/status/README.md").text()
    for name, field in Status.__dataclass_fields__.items():
        assert f"| `{name}` | `{field.default}` |" in text


def test_every_key_is_documented() -> None:
    from buoy import App
    from buoy_status import store

    app, text = App(), Page("packages/status/README.md").text()
    for key in (
        store.last_key(app, "mail", "IDENTIFIER"),
        store.record_key(app, "mail", "ID"),
        store.progress_key(app, "mail", "ID"),
        store.ring_key(app, "mail", "ID"),
    ):
        assert f"| `{key}` |" in text
    assert f">{store.claim_of('IDENTIFIER')}" in text
