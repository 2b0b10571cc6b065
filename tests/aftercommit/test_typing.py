"""What type checkers say of the plugin: all planted errors of typing_cases.py, and no other."""

import sys
from pathlib import Path

import pytest

from tests.core.test_typing import PYRIGHT, run

CASES = Path(__file__).with_name("typing_cases.py")


def test_mypy_sees_the_planted_errors_and_no_other() -> None:
    result = run("mypy", "--strict", "--warn-unused-ignores", str(CASES))

    assert result.returncode == 0, result.stdout + result.stderr


def test_pyright_sees_the_planted_errors_and_no_other(tmp_path: Path) -> None:
    if run("pyright", "--version").returncode:
        pytest.skip("pyright cannot start")
    cases = tmp_path / "cases.py"
    cases.write_text(PYRIGHT + CASES.read_text())

    result = run("pyright", "--pythonpath", sys.executable, str(cases))

    assert result.returncode == 0, result.stdout + result.stderr
