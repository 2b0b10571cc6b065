"""What type checkers say of declarations: all planted errors of typing_cases.py, and no other."""

from pathlib import Path

from tests.support.typing_check import mypy_agrees, pyright_agrees

CASES = Path(__file__).with_name("typing_cases.py")


def test_mypy_sees_the_planted_errors_and_no_other() -> None:
    mypy_agrees(CASES, planted=12)


def test_pyright_sees_the_planted_errors_and_no_other(tmp_path: Path) -> None:
    pyright_agrees(CASES, tmp_path)
