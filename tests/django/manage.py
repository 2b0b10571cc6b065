"""Runs ``manage.py`` of the project, as its users do."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent / "project"
MANAGE = [sys.executable, "-W", "error", "manage.py"]


def environment(folder: Path, url: str) -> dict[str, str]:
    """The environment of a process: its database and its settings are in a folder of the test."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BUOY_URL")}
    database = str(folder / "shop.sqlite3")
    return clean | {"SHOP_DATABASE": database, "SHOP_REDIS": url, "TZ": "UTC"}


def manage(*arguments: str, folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the project to its end."""
    return subprocess.run(
        [*MANAGE, *arguments],
        cwd=PROJECT,
        env=environment(folder, url),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
