"""What type checkers say of a package's typing_cases.py: all errors that are planted there, and no
other."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYRIGHT = "# pyright: strict, reportUnnecessaryTypeIgnoreComment=true, reportPrivateUsage=false\n"


def mypy_agrees(cases: Path, planted: int) -> None:
    """Fail unless mypy finds the planted errors, which are more than so many, and no other."""
    assert cases.read_text().count("# type: ignore[") > planted
    agrees("mypy", "--strict", "--warn-unused-ignores", str(cases))


def pyright_agrees(cases: Path, folder: Path) -> None:
    """The same of pyright, if it is there; a copy in the folder is checked, with its settings."""
    pytest.importorskip("pyright", reason="pyright is not installed")
    version = run("pyright", "--version")
    if version.returncode:
        pytest.skip(f"pyright cannot start: {version.stderr.strip()[-200:]}")
    copy = folder / "cases.py"
    copy.write_text(PYRIGHT + cases.read_text())
    agrees("pyright", "--pythonpath", sys.executable, str(copy))


def agrees(*command: str) -> None:
    result = run(*command)
    assert result.returncode == 0, result.stdout + result.stderr


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, text=True, capture_output=True, check=False
    )
