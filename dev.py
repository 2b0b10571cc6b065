"""What make calls: sees to an environment, then runs one command in it. Needs nothing but Python.

Any Python from 3.8 on can read this file; one of 3.11 or newer does the work.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, NoReturn

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV_PACKAGE = "python{}.{}-venv".format(*sys.version_info)

NO_PYTHON = (
    "dev.py: expected Python 3.11 or newer, found none on PATH. Install one, then try again."
)
NO_VENV = (
    "dev.py: cannot make a virtual environment: this Python ({}) has neither pip 22.3 or newer, "
    "nor venv with ensurepip, nor virtualenv. Install one of them; on Debian and Ubuntu as root: "
    f"apt-get install {VENV_PACKAGE}"
)
NO_INSTALL = (
    "dev.py: pip could not install what is needed, twice; its own words are above. "
    "Check the network and the package index that pip is set to, then try again."
)
USAGE = "usage: python3 dev.py {}  [arguments of the command]"
NO_OLD_PYTHON = (
    "dev.py: test-oldest: expected Python {}.{}, for which the lowest versions were made, got "
    "{}.{}. Name one, for example: make test-oldest PYTHON=/usr/bin/python3"
)
NO_PACKAGE = "dev.py: expected PACKAGE to be one of {}, got {!r}"
NEW_ENOUGH = f"import sys; assert sys.version_info >= {OLDEST_PYTHON}"
FLOOR = re.compile(r"([\w.-]+)(?:\[.*\])?>=([\w.]+)")
"""A requirement with a lowest version: its name and that."""


COMPANIONS = ("opentelemetry-", "protobuf", "googleapis-common-protos", "pydantic_core")
"""What the names of packages begin with that go with one version of another. That one requires them
in the versions that fit; these are not the pinned ones where it is in its lowest version."""


PYTEST = ("-m", "pytest", "-n", "3", "--dist", "worksteal")
"""Three processes, also on two cores: many tests wait for others. Each begins with a third of all
tests, so that servers and clusters that a file starts are rarely started twice."""


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(USAGE.format(" | ".join(COMMANDS)))
    if sys.version_info < OLDEST_PYTHON:
        newer = newer_python()
        os.execv(newer, [newer, *sys.argv])
    os.chdir(ROOT)
    clean_environment()
    return COMMANDS[sys.argv[1]](sys.argv[2:])


def demo(args: list[str]) -> int:
    return become(PINNED.python(), "examples/demo.py", *args)


def test(args: list[str]) -> int:
    return become(PINNED.python(), *PYTEST, *of_package(), *args)


def fast(args: list[str]) -> int:
    """Leave out the tests that tests/conftest.py marks as slow."""
    return become(PINNED.python(), *PYTEST, "-m", "not slow", *of_package(), *args)


def of_package() -> list[str]:
    """Return what selects the tests of the package that PACKAGE names; nothing without PACKAGE."""
    name = os.environ.pop("PACKAGE", "")
    if not name:
        return []
    packages = [path.parent.name for path in project_files()]
    if name not in packages:
        sys.exit(NO_PACKAGE.format(", ".join(packages), name))
    return [f"--package={name}", f"tests/{name}", "tests/docs", "tests/packages/test_typing.py"]


def test_oldest(args: list[str]) -> int:
    """Without what checks types, imports and pages in a browser: that is promised for the newest
    versions."""
    if sys.version_info[:2] != OLDEST_PYTHON:
        sys.exit(NO_OLD_PYTHON.format(*OLDEST_PYTHON, *sys.version_info[:2]))
    rooms = "tests/core/test_rooms.py::test_rooms_import_only_what_is_below_them"
    apart = ["--ignore-glob=*test_typing.py", "--ignore=tests/benchmarks", f"--deselect={rooms}"]
    apart += ["--ignore=tests/docs/test_architecture.py", "--ignore=tests/web/browser"]
    return become(OLDEST.python(), *PYTEST, *apart, *args)


def test_wheels(args: list[str]) -> int:
    """The READMEs, with packages that are installed as users install them."""
    shutil.rmtree(INSTALLED.folder, ignore_errors=True)  # the wheels are of what is here now
    pages = sorted(str(path) for path in Path("tests").glob("*/test_readme.py"))
    pages.append("tests/docs/test_examples.py::test_the_example_of_the_core_runs")
    return become(INSTALLED.python(), "-m", "pytest", "-n", "2", *pages, *args)


def check(args: list[str]) -> int:
    """All of them, though one fails: who has to correct three things wants to know of three."""
    checks = [
        ["ruff", "check", *args],
        ["ruff", "format", "--check", *args],
        ["mypy", *args],
        ["pytest", "-q", "tests/docs"],
    ]
    python = PINNED.python()
    results = [run(python, "-m", *command) for command in checks]
    return max(*results, run(str(Path(python).with_name("lint-imports")), "--no-cache"))


def screenshots(args: list[str]) -> int:
    return become(PINNED.python(), "-m", "tests.web.browser.pictures", *args)


def bench(args: list[str]) -> int:
    return become(PINNED.python(), "-m", "benchmarks", *args)


def bench_quick(args: list[str]) -> int:
    return become(PINNED.python(), "-m", "benchmarks", "--quick", *args)


def release(args: list[str]) -> int:
    return become(RELEASING.python(), "release.py", *args)


COMMANDS = {
    "demo": demo,
    "test": test,
    "fast": fast,
    "test-oldest": test_oldest,
    "test-wheels": test_wheels,
    "check": check,
    "screenshots": screenshots,
    "bench": bench,
    "bench-quick": bench_quick,
    "release": release,
}


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
        if found and succeeds(found, "-c", NEW_ENOUGH):
            return found
    sys.exit(NO_PYTHON)


def clean_environment() -> None:
    """Settings of the user's shell that would lead pip past the environment, or have each of the
    many processes of the tests compile all modules again."""
    os.environ.update(PIP_REQUIRE_VIRTUALENV="0", PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)


class Environment:
    """A folder with all that developing takes, in versions that a text says; made when it is
    missing, or what it was made from has changed."""

    def __init__(
        self,
        folder: str,
        constraints: Callable[[], str],
        *requirements: str,
        editable: bool = True,
    ) -> None:
        self.folder = ROOT / folder
        self.constraints = constraints
        self.requirements = requirements
        self.option = ["-e"] if editable else []
        self.executable = str(self.folder / "bin" / "python")
        self.stamp = self.folder / "stamp"

    def python(self) -> str:
        """Its Python, when all is there."""
        listed = [ROOT / name for name in self.requirements]
        sources = [path.read_bytes() for path in (*listed, *project_files())]
        # The root, too: editable installs hold its path.
        parts = [sys.version.encode(), bytes(ROOT), self.constraints().encode(), *sources]
        stamp = hashlib.sha256(b"\0".join(parts)).hexdigest()
        made = self.stamp.exists() and self.stamp.read_text() == stamp
        if not (made and succeeds(self.executable, "-c", "")):
            self.make()
            # Last, so that an interrupted set-up is done again.
            self.stamp.write_text(stamp)
        return self.executable

    def make(self) -> None:
        print(f"dev.py: making {self.folder.name}", flush=True)
        pip = self.make_venv()
        constraints = self.folder / "constraints.txt"
        constraints.write_text(self.constraints())
        constrained = [*pip, "install", "-qq", "-c", str(constraints)]
        # One command for all packages: pip would ask the index for a sibling that it was not given.
        packages = [word for path in project_files() for word in (*self.option, str(path.parent))]
        # Building them without isolation saves a download for each.
        listed = [word for name in self.requirements for word in ("-r", name)]
        everything = ["--no-build-isolation", *listed, *packages]
        install(*constrained, "flit_core")
        install(*constrained, *everything)

    def make_venv(self) -> list[str]:
        """Make it, empty, and return the pip that installs into it."""
        # Outside of it, if it is active: it is about to be removed.
        python = getattr(sys, "_base_executable", sys.executable)
        pip = self.made_with(python)
        if pip is None and debian_brings(VENV_PACKAGE):
            pip = self.made_with(python)
        return pip or sys.exit(NO_VENV.format(python))

    def made_with(self, python: str) -> list[str] | None:
        """The fastest way comes first."""
        if succeeds(python, "-m", "venv", "--clear", "--without-pip", str(self.folder)):
            outer_pip = [python, "-m", "pip", "--python", self.executable]
            if succeeds(*outer_pip, "--version"):
                return outer_pip
        for way in ("venv", "virtualenv"):
            if succeeds(python, "-m", way, "--clear", str(self.folder)):
                return [self.executable, "-m", "pip"]
        return None


def pinned() -> str:
    return (ROOT / "constraints.txt").read_text()


def lowest() -> str:
    """The lowest versions that the packages admit; what they do not require is as pinned."""
    floors = {name: version for text in requirements() for name, version in FLOOR.findall(text)}
    pins = [line for line in pinned().splitlines() if not line.startswith(COMPANIONS)]
    others = [line for line in pins if line.split("==")[0] not in floors]
    return "\n".join([*others, *(f"{name}=={floor}" for name, floor in floors.items()), ""])


def requirements() -> list[str]:
    """What the packages and their extras require of others, and to be built."""
    import tomllib

    found: list[str] = []
    for path in project_files():
        project = tomllib.loads(path.read_text())
        extras = project["project"].get("optional-dependencies", {})
        found += project["build-system"]["requires"]
        found += project["project"]["dependencies"]
        found += [each for extra in extras.values() for each in extra]
    return [each for each in found if not each.startswith("buoy")]


def project_files() -> list[Path]:
    return sorted(ROOT.glob("packages/*/pyproject.toml"))


PINNED = Environment(".venv", pinned, "requirements.txt", "requirements-check.txt")
OLDEST = Environment(".venv-oldest", lowest, "requirements.txt")
INSTALLED = Environment(".venv-wheels", pinned, "requirements.txt", editable=False)
RELEASING = Environment(".venv-release", pinned, "requirements-release.txt")


def debian_brings(package: str) -> bool:
    """Install a package of the system, where that can be done."""
    if os.geteuid() or not shutil.which("apt-get"):
        return False
    print(f"dev.py: this Python cannot make environments: apt-get install {package}", flush=True)
    apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    get = [*apt, "install", "-y", "--no-install-recommends", package]
    # Without lists of packages there is none; with old ones it may be gone.
    return succeeds(*get) or (succeeds(*apt, "update") and succeeds(*get))


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
