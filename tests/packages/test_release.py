"""What a release writes, without its builds."""

import email
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import release
from release import Refused, Release

ROOT = Path(__file__).parents[2]
HOME = "https://git.example/anchor/buoy"
CHANGELOG = """# Changelog

## Unreleased

### Added

- Oars.

## 0.1.0 - 2026-01-02

- A hull.
"""


@pytest.fixture
def oars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    """A package in a repository of its own."""
    package = tmp_path / "packages" / "oars"
    module = package / "src" / "buoy_oars" / "__init__.py"
    module.parent.mkdir(parents=True)
    module.write_text('"""Oars."""\n\n__version__ = "0.1.0"\n')
    (package / "pyproject.toml").write_text("")
    (package / "CHANGELOG.md").write_text(CHANGELOG)
    monkeypatch.setattr(release, "ROOT", tmp_path)
    for command in ("init -q", "add .", "commit -qm begin"):
        git(tmp_path, *command.split())
    return Release(package, "0.2.0", HOME)


def git(folder: Path, *words: str) -> None:
    name = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    subprocess.run(["git", *name, *words], cwd=folder, check=True)


def settings(**given: str) -> dict[str, str]:
    return {"PACKAGE": "oars", "VERSION": "0.2.0", "REPOSITORY": HOME} | given


def refusal(**given: str) -> str:
    with pytest.raises(Refused) as refused:
        release.refuse_unready(release.asked_for(settings(**given)))
    return str(refused.value).splitlines()[0]


def test_what_is_asked_for(oars: Release) -> None:
    assert release.asked_for(settings()) == oars
    assert (oars.name, oars.tag) == ("buoy-oars", "buoy-oars-0.2.0")
    assert Release(ROOT / "packages" / "core", "1.0.0", HOME).tag == "buoy-1.0.0"
    release.refuse_unready(oars)


def test_a_wrong_package_or_version_is_refused(oars: Release) -> None:
    assert refusal(PACKAGE="") == "expected PACKAGE to be a folder of packages, got ''"
    assert refusal(PACKAGE="sails") == "expected PACKAGE to be a folder of packages, got 'sails'"
    assert refusal(VERSION="2") == "expected VERSION to be like 0.1.1, got '2'"


def test_without_an_address_of_the_repository_it_is_refused(oars: Release) -> None:
    assert refusal(REPOSITORY="") == (
        "links of the package's page need the address of this repository: there is no remote "
        "'origin', and REPOSITORY is not given"
    )
    git(release.ROOT, "remote", "add", "origin", "git@git.example:anchor/buoy.git")
    assert release.asked_for(settings(REPOSITORY="")).repository == HOME


@pytest.mark.parametrize(
    "remote",
    [
        "git@git.example:anchor/buoy.git",
        "https://git.example/anchor/buoy",
        "https://ann:secret@git.example/anchor/buoy.git/",
        "ssh://git@git.example/anchor/buoy.git",
        "ssh://git@git.example:2222/anchor/buoy.git",
    ],
)
def test_the_address_is_that_of_the_remote(remote: str) -> None:
    assert release.web_address(remote) == HOME


def test_changes_a_second_release_and_an_empty_changelog_are_refused(oars: Release) -> None:
    oars.changelog.write_text(CHANGELOG + "\n")
    assert refusal() == "expected a clean checkout: commit your changes first"

    git(release.ROOT, "checkout", "-q", ".")
    git(release.ROOT, "tag", "buoy-oars-0.2.0")
    assert refusal() == "buoy-oars-0.2.0 is released already: take the next version"

    oars.changelog.write_text(CHANGELOG.replace("### Added\n\n- Oars.\n", ""))
    git(release.ROOT, "commit", "-qam", "no oars")
    assert refusal(VERSION="0.2.1") == "packages/oars/CHANGELOG.md: nothing stands under Unreleased"


def test_the_version_is_stated_and_the_changelog_has_its_date(oars: Release) -> None:
    notes = release.state_version(oars)

    assert notes == "### Added\n\n- Oars.\n"
    assert oars.module.read_text() == '"""Oars."""\n\n__version__ = "0.2.0"\n'
    assert release.unreleased(oars.changelog.read_text()).strip() == ""
    assert "\n## Unreleased\n\n## 0.2.0 - 2" in oars.changelog.read_text()
    assert oars.changelog.read_text().endswith("\n\n## 0.1.0 - 2026-01-02\n\n- A hull.\n")


def test_a_release_that_fails_leaves_the_checkout_as_it_was(oars: Release) -> None:
    def fail() -> None:
        with release.undone_on_failure(oars):
            release.state_version(oars)
            release.run("false")

    with pytest.raises(Refused, match=r"^failed: false$"):
        fail()

    assert release.output("git", "status", "--porcelain") == ""


def test_links_of_the_page_are_absolute() -> None:
    text = "[a](../../docs/jobs.md#x) ![b](../../docs/b.png) [c](https://x.example) [d](#d)"

    assert release.absolute_links(text, "packages/retry", "FILES", "PICTURES") == (
        "[a](FILES/docs/jobs.md#x) ![b](PICTURES/docs/b.png) [c](https://x.example) [d](#d)"
    )


def test_the_page_of_a_package_leads_home(tmp_path: Path) -> None:
    source = tmp_path / "retry"
    # Other processes may write what they have compiled at this very moment.
    compiled = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "packages" / "retry", source, ignore=compiled)

    release.make_public(source, Release(ROOT / "packages" / "retry", "0.1.0", HOME))

    build = "from flit_core.buildapi import build_wheel; print(build_wheel('.'))"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    [wheel] = source.glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    [name] = [each for each in archive.namelist() if each.endswith("/METADATA")]
    said = email.message_from_string(archive.read(name).decode())
    assert f"Source, {HOME}" in said.get_all("Project-URL", [])
    assert f"Changelog, {HOME}/blob/buoy-retry-0.1.0/packages/retry/CHANGELOG.md" in said.get_all(
        "Project-URL", []
    )
    assert f"]({HOME}/blob/buoy-retry-0.1.0/docs/" in said.get_payload()
    assert "](../" not in said.get_payload()


def test_the_bill_of_materials_names_no_file_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip notes where it has a package from that is not from an index; the bill would repeat it."""
    sources: list[list[Path]] = []

    def run(*command: str) -> None:
        if "install" in command:
            folder = Path(command[0]).parents[1] / "lib" / "site-packages" / "buoy-0.1.0.dist-info"
            folder.mkdir(parents=True)
            (folder / "METADATA").write_text("Name: buoy\nVersion: 0.1.0\n")
            (folder / "direct_url.json").write_text('{"url": "file:///home/ann/buoy"}')
        if "cyclonedx_py" in command:
            folder = Path(command[command.index("environment") + 1]).parents[1]
            sources.append([file for file in folder.rglob("*") if file.is_file()])

    monkeypatch.setattr(release, "run", run)
    release.write_bill_of_materials(tmp_path / "buoy_retry-0.1.0.whl", tmp_path / "bom.json")

    assert [[file.name for file in files] for files in sources] == [["METADATA"]]


@pytest.mark.parametrize("path", sorted(ROOT.glob("packages/*/pyproject.toml")), ids=str)
def test_a_version_is_stated_once(path: Path) -> None:
    project = tomllib.loads(path.read_text())["project"]
    folder = path.parent / "src" / project["name"].replace("-", "_")

    assert project["dynamic"] == ["version"]
    assert release.STATED_VERSION.search((folder / "__init__.py").read_text())
