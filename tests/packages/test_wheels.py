"""The wheels: built, and used apart from this tree."""

import email
import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.blocks import Page

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(path.parent for path in ROOT.glob("packages/*/pyproject.toml"))
BUILD = "import sys; from flit_core.buildapi import build_wheel; print(build_wheel(sys.argv[1]))"
PATTERNS = (
    *("**/*.py", "**/*.lua", "**/*.json", "**/*.yml", "*/py.typed"),
    *("**/*.html", "**/*.css", "**/*.js", "**/*.svg"),
)
"""The files of a package that belong into its wheel."""
SCRIPT = "#!{}\nfrom buoy.cli import main\nmain()\n"


class Wheels(NamedTuple):
    """The wheel of each package, and an environment in which they are installed."""

    files: dict[Path, Path]
    environment: Path


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    folder = tmp_path_factory.mktemp("wheels")
    files = {package: built(package, folder) for package in PACKAGES}
    environment = folder / "environment"
    python = environment / "bin" / "python"
    run([sys.executable, "-m", "venv", "--without-pip", str(environment)], folder)
    [packages] = environment.glob("lib/*/site-packages")
    for file in files.values():
        zipfile.ZipFile(file).extractall(packages)
    # What they need lies where this Python has it; a line in a .pth brings no links to this tree.
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    script = environment / "bin" / "buoy"
    script.write_text(SCRIPT.format(python))
    script.chmod(0o755)
    return Wheels(files, environment)


def built(package: Path, folder: Path) -> Path:
    return folder / run([sys.executable, "-c", BUILD, str(folder)], package).strip()


def run(command: list[str], folder: Path, **environ: str) -> str:
    ended = subprocess.run(
        command,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environ,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
class TestWheel:
    def test_it_has_all_files_of_the_package(self, wheels: Wheels, package: Path) -> None:
        source = package / "src"
        wanted = {
            str(path.relative_to(source)) for pattern in PATTERNS for path in source.glob(pattern)
        }

        names = zipfile.ZipFile(wheels.files[package]).namelist()

        assert {name for name in names if ".dist-info/" not in name} == wanted
        assert any(name.endswith("/py.typed") for name in wanted)
        assert any(name.endswith("/LICENSE") for name in names)

    def test_it_says_what_is_declared(self, wheels: Wheels, package: Path) -> None:
        project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
        archive = zipfile.ZipFile(wheels.files[package])
        [name] = [each for each in archive.namelist() if each.endswith("/METADATA")]
        said = email.message_from_string(archive.read(name).decode())

        required = [each for each in said.get_all("Requires-Dist", []) if "extra ==" not in each]
        plain = [each.replace(" ", "").replace("(", "").replace(")", "") for each in required]
        assert plain == project["dependencies"]
        assert said.get_all("Provides-Extra", []) == list(project.get("optional-dependencies", {}))
        assert (said["Name"], said["Requires-Python"]) == (project["name"], ">=3.11")
        assert (said["License-Expression"], said["Summary"]) == ("MIT", project["description"])


def test_the_command_has_the_commands_of_all_packages(wheels: Wheels, tmp_path: Path) -> None:
    code = "import buoy; print(buoy.__file__)"
    place = run([str(wheels.environment / "bin" / "python"), "-c", code], tmp_path)

    said = run([str(wheels.environment / "bin" / "buoy"), "--help"], tmp_path)

    assert place.startswith(str(wheels.environment))
    commands = [line.split()[0] for line in said.split("Commands:")[1].splitlines() if line.strip()]
    wanted = {"worker", "failed", "loner", "retry", "delayed", "schedule", "mail", "metrics"}
    assert wanted | {"history"} <= set(commands)
    assert "broken" not in said


def test_the_first_job_of_the_readme_runs(wheels: Wheels, tmp_path: Path) -> None:
    page = Page("README.md")
    page.write_files(tmp_path)
    [commands] = [block for block in page.blocks("sh") if "buoy worker" in block]
    path = f"{wheels.environment / 'bin'}:{os.environ['PATH']}"

    said = run(["/bin/sh", "-ec", commands.rstrip() + " --burst"], tmp_path, PATH=path)

    assert said == "charging purchase 42\n"
