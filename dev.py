"""What make calls: sees to .venv, then runs one command in it. Needs nothing but Python.

Any Python from 3.8 on can read this file; one of 3.11 or newer does the work.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = str(VENV / "bin" / "python")
STAMP = VENV / "stamp"

NO_PYTHON = (
    "dev.py: expected Python 3.11 or newer, found none on PATH. Install one, then try again."
)
NO_VENV = (
    "dev.py: cannot make a virtual environment: this Python ({}) has neither pip 22.3 or newer, "
    "nor ensurepip, nor virtualenv. Install one of them, for example: apt-get install python3-venv"
)
NO_INSTALL = (
    "dev.py: pip could not install what is needed, twice; its own words are above. "
    "Check the network and the package index that pip is set to, then try again."
)
USAGE = (
    "usage: python3 dev.py demo | test | check | bench | bench-quick  [arguments of the command]"
)


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(USAGE)
    if sys.version_info < OLDEST:
        newer = newer_python()
        os.execv(newer, [newer, *sys.argv])
    os.chdir(ROOT)
    clean_environment()
    if not set_up_before():
        set_up()
    return COMMANDS[sys.argv[1]](sys.argv[2:])


def demo(args: list[str]) -> int:
    return become(PYTHON, "examples/demo.py", *args)


def test(args: list[str]) -> int:
    return become(PYTHON, "-m", "pytest", "-n", "2", *args)


def check(args: list[str]) -> int:
    """All of them, though one fails: who has to correct three things wants to know of three."""
    checks = [
        ["ruff", "check", *args],
        ["ruff", "format", "--check", *args],
        ["mypy", *args],
        ["pytest", "-q", "tests/docs"],
    ]
    return max(run(PYTHON, "-m", *command) for command in checks)


def bench(args: list[str]) -> int:
    return become(PYTHON, "-m", "benchmarks", *args)


def bench_quick(args: list[str]) -> int:
    return become(PYTHON, "-m", "benchmarks", "--quick", *args)


COMMANDS = {"demo": demo, "test": test, "check": check, "bench": bench, "bench-quick": bench_quick}


def become(*command: str) -> NoReturn:
    """Be that command: Ctrl-C reaches it alone, and it can end in its own way."""
    show(command)
    os.execv(command[0], command)


def run(*command: str) -> int:
    show(command)
    try:
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 130


def show(command: tuple[str, ...]) -> None:
    print("$", *[Path(command[0]).name, *command[1:]], flush=True)


def newer_python() -> str:
    for name in ("python3.13", "python3.12", "python3.11", "python3.14", "python3"):
        found = shutil.which(name)
        # A pyenv shim may be there and yet refuse to run.
        if found and succeeds(found, "-c", f"import sys; assert sys.version_info >= {OLDEST}"):
            return found
    sys.exit(NO_PYTHON)


def clean_environment() -> None:
    """Settings of the user's shell that would lead pip past .venv."""
    os.environ.update(PIP_REQUIRE_VIRTUALENV="0", PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")
    for name in ("PYTHONPATH", "PYTHONHOME"):
        os.environ.pop(name, None)


def set_up_before() -> bool:
    return STAMP.exists() and STAMP.read_text() == stamp() and succeeds(PYTHON, "-c", "")


def stamp() -> str:
    """Changes with all that .venv was made from. The root, too: editable installs hold its path."""
    files = [ROOT / "requirements.txt", ROOT / "constraints.txt", *project_files()]
    parts = [sys.version.encode(), bytes(ROOT), *[path.read_bytes() for path in files]]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def project_files() -> list[Path]:
    return sorted(ROOT.glob("packages/*/pyproject.toml"))


def set_up() -> None:
    print("dev.py: making .venv", flush=True)
    pip = make_venv()
    constrained = [*pip, "install", "-qq", "-c", "constraints.txt"]
    # One command for all packages: pip would ask the index for a sibling that it was not given.
    editable = [word for path in project_files() for word in ("-e", str(path.parent))]
    # Building them without isolation saves a download for each.
    everything = ["--no-build-isolation", "-r", "requirements.txt", *editable]
    install(*constrained, "flit_core")
    install(*constrained, *everything)
    # Last, so that an interrupted set-up is done again.
    STAMP.write_text(stamp())


def make_venv() -> list[str]:
    """Make .venv, empty, and return the pip that installs into it. The fastest way comes first."""
    # Outside of .venv, if that is active: it is about to be removed.
    python = getattr(sys, "_base_executable", sys.executable)
    if succeeds(python, "-m", "venv", "--clear", "--without-pip", str(VENV)):
        outer_pip = [python, "-m", "pip", "--python", PYTHON]
        if succeeds(*outer_pip, "--version"):
            return outer_pip
    for way in ("venv", "virtualenv"):
        if succeeds(python, "-m", way, "--clear", str(VENV)):
            return [PYTHON, "-m", "pip"]
    sys.exit(NO_VENV.format(python))


def install(*command: str) -> None:
    """Try once more when it fails: most such failures are the network's."""
    for _ in range(2):
        if subprocess.run(command, check=False).returncode == 0:
            return
    sys.exit(NO_INSTALL)


def succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
