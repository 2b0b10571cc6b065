"""The peers' environments: one each, made once, outside of git."""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from .subject import VENVS, Subject

REQUIREMENTS = Path(__file__).parent / "requirements"


def those_there(subjects: Iterable[Subject]) -> list[Subject]:
    """Those that can be run here, their environments made; what cannot is said."""
    there: dict[str, bool] = {}
    subjects = list(subjects)
    for subject in subjects:
        if subject.system not in there:
            there[subject.system] = is_there(subject)
    return [subject for subject in subjects if there[subject.system]]


def is_there(subject: Subject) -> bool:
    """Whether a system can be run; Python's are installed if need be."""
    if subject.probe:
        ruby = shutil.which("ruby")
        there = ruby is not None and succeeds(ruby, "-e", subject.probe)
        if not there:
            print(f"{subject.system}: not installed, left out", flush=True)
        return there
    try:
        make(subject.system)
    except subprocess.CalledProcessError as error:
        print(f"{subject.system}: cannot be installed, left out ({error})", flush=True)
        return False
    return True


def make(system: str) -> None:
    """Make the environment of a system, unless it is there with these very versions."""
    folder, wanted = VENVS / system, REQUIREMENTS / f"{system}.txt"
    stamp, contents = folder / "stamp", f"{sys.version}\n{wanted.read_text()}"
    if stamp.exists() and stamp.read_text() == contents:
        return
    print(f"{system}: making its environment", flush=True)
    python = str(folder / "bin" / "python")
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    install = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*install, "-r", str(wanted)], check=True)
    stamp.write_text(contents)


def succeeds(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def versions(subjects: Iterable[Subject]) -> dict[str, str]:
    """What is measured, for the record."""
    found = {name: version(name) for name in ("buoy", "redis", "hiredis")}
    for system in {subject.system for subject in subjects}:
        file = REQUIREMENTS / f"{system}.txt"
        lines = file.read_text().splitlines() if file.exists() else []
        own = (line.partition("==") for line in lines if line.startswith(system))
        found |= {name: number for name, _, number in own}
    return dict(sorted(found.items()))
