"""What type checkers say of calls to mailers: all planted errors of typing_cases.py, no other."""

import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).with_name("typing_cases.py")
ROOT = CASES.parents[2]
PYRIGHT = "# pyright: strict, reportUnnecessaryTypeIgnoreComment=true, reportPrivateUsage=false\n"


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, text=True, capture_output=True, check=False
    )


def test_mypy_sees_the_planted_errors_and_no_other() -> None:
    assert CASES.read_text().count("# type: ignore[") > 12

    result = run("mypy", "--strict", "--warn-unused-ignores", str(CASES))

    assert result.returncode == 0, result.stdout + result.stderr


def test_pyright_sees_the_planted_errors_and_no_other(tmp_path: Path) -> None:
    pytest.importorskip("pyright", reason="pyright is not installed")
    version = run("pyright", "--version")
    if version.returncode:
        pytest.skip(f"pyright cannot start: {version.stderr.strip()[-200:]}")
    cases = tmp_path / "cases.py"
    cases.write_text(PYRIGHT + CASES.read_text())

    result = run("pyright", "--pythonpath", sys.executable, str(cases))

    assert result.returncode == 0, result.stdout + result.stderr
