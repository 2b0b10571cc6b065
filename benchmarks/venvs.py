"""The environments of the other systems: one each, made once, not in git."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from buoy.embedded.server import find_server

from .subject import VENVS, Subject

REQUIREMENTS = Path(__file__).parent / "requirements"


def available_subjects(subjects: Iterable[Subject]) -> list[Subject]:
    """Returns the subjects that can be run here; makes their environments, prints the others."""
    there: dict[str, bool] = {}
    subjects = list(subjects)
    for subject in subjects:
        if subject.system not in there:
            there[subject.system] = is_available(subject)
    return [subject for subject in subjects if there[subject.system]]


def is_available(subject: Subject) -> bool:
    """Whether a system can be run. Installs systems of Python."""
    if subject.probe:
        there = bool(installed_version(subject))
        if not there:
            print(f"{subject.system}: not installed, left out", file=sys.stderr)
        return there
    try:
        make_environment(subject.system)
    except subprocess.CalledProcessError as error:
        print(f"{subject.system}: cannot be installed, left out ({error})", file=sys.stderr)
        return False
    return True


def installed_version(subject: Subject) -> str:
    """Returns the version of a system of Ruby; empty if it is not installed."""
    ruby = shutil.which("ruby")
    return output_of(ruby, "-e", subject.probe) if ruby else ""


def make_environment(system: str) -> None:
    """Make the environment of a system, unless it exists with these versions."""
    folder, wanted = VENVS / system, REQUIREMENTS / f"{system}.txt"
    stamp, contents = folder / "stamp", f"{sys.version}\n{wanted.read_text()}"
    if stamp.exists() and stamp.read_text() == contents:
        return
    print(f"{system}: making its environment", file=sys.stderr)
    python = str(folder / "bin" / "python")
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    install = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*install, "-r", str(wanted)], check=True)
    stamp.write_text(contents)


def versions(subjects: Iterable[Subject]) -> dict[str, str]:
    """Returns the versions of all that is measured."""
    found = {"buoy": version("buoy"), "redis-py": version("redis"), "hiredis": version("hiredis")}
    server = re.search(r"v=(\S+)", output_of(find_server(), "--version"))
    found["redis-server"] = server[1] if server else "unknown"
    for subject in subjects:
        if subject.probe:
            found[subject.system] = installed_version(subject)
            continue
        lines = (REQUIREMENTS / f"{subject.system}.txt").read_text().splitlines()
        own = (line.partition("==") for line in lines if line.startswith(subject.system))
        found |= {name: number for name, _, number in own}
    return found


def output_of(*command: str) -> str:
    """Returns what a command prints; empty if it fails."""
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    return "" if ended.returncode else ended.stdout.strip()
