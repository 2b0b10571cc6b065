"""Type checkers find all errors that are planted in each package's typing_cases.py, and no other.

Each type checker runs once for all packages: it takes longer to start than to check.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYRIGHT = "# pyright: strict, reportUnnecessaryTypeIgnoreComment=true, reportPrivateUsage=false\n"
PLANTED = {
    "aftercommit": 6,
    "batch": 8,
    "core": 39,
    "django": 4,
    "history": 12,
    "limits": 12,
    "loner": 12,
    "mailer": 13,
    "metrics": 8,
    "otel": 4,
    "retry": 13,
    "scheduler": 18,
    "sealed": 6,
    "sentry": 5,
    "status": 16,
    "steps": 12,
    "web": 7,
}
"""How many errors are planted at least: a file that lost them would prove nothing."""


@pytest.fixture
def cases(request: pytest.FixtureRequest) -> dict[str, Path]:
    """The typing_cases.py of each package, or of the one that --package names."""
    wanted = [request.config.option.package] if request.config.option.package else PLANTED
    return {package: ROOT / "tests" / package / "typing_cases.py" for package in wanted}


@pytest.mark.parametrize("package", PLANTED)
def test_a_package_has_typing_cases_with_planted_errors(package: str) -> None:
    text = (ROOT / "tests" / package / "typing_cases.py").read_text()

    assert text.count("# type: ignore[") >= PLANTED[package]


def test_every_package_has_typing_cases() -> None:
    packages = {path.parent.name for path in ROOT.glob("packages/*/pyproject.toml")}

    assert packages == set(PLANTED)


def test_mypy_finds_the_planted_errors_and_no_other(cases: dict[str, Path]) -> None:
    finds_nothing_else("mypy", "--strict", "--warn-unused-ignores", *map(str, cases.values()))


def test_pyright_finds_the_planted_errors_and_no_other(
    cases: dict[str, Path], tmp_path: Path
) -> None:
    pytest.importorskip("pyright", reason="pyright is not installed")
    version = run("pyright", "--version")
    if version.returncode:
        pytest.skip(f"pyright cannot start: {version.stderr.strip()[-200:]}")
    # Copies, outside of the repository: its settings shall not matter.
    for package, path in cases.items():
        (tmp_path / f"{package}_cases.py").write_text(PYRIGHT + path.read_text())
    finds_nothing_else("pyright", "--pythonpath", sys.executable, str(tmp_path))


def finds_nothing_else(*command: str) -> None:
    result = run(*command)
    assert result.returncode == 0, result.stdout + result.stderr


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, text=True, capture_output=True, check=False
    )
