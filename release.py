"""Releases one package: its version, wheel, checks, notes, bill of materials, commit and tag.

Called by ``make release PACKAGE=retry VERSION=0.1.1``; RELEASING.md says what comes before and
after. Nothing leaves this machine. When a step fails, the checkout is as it was before.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VERSION = re.compile(r"\d+\.\d+\.\d+((a|b|rc)\d+)?")
STATED_VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
UNRELEASED = "## Unreleased\n"
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)\s]+)\)")
"""A link of Markdown to a file: its mark of a picture, its text, its target."""
USAGE = "usage: make release PACKAGE=retry VERSION=0.1.1 [REPOSITORY=https://HOST/OWNER/NAME]"

NEXT_STEPS = """
{0} is committed and tagged. Publish it:
  git push origin HEAD {0}
  twine upload {1}
and make a release of the tag with the text of dist/{0}.md"""


class Refused(Exception):
    """A release that cannot be; the message says what to do."""


@dataclass(frozen=True)
class Release:
    """One version of one package. ``repository``: the address at which people find this tree."""

    package: Path
    version: str
    repository: str

    @property
    def name(self) -> str:
        """The name under which it is installed: ``buoy-retry``."""
        return "buoy" if self.package.name == "core" else f"buoy-{self.package.name}"

    @property
    def tag(self) -> str:
        return f"{self.name}-{self.version}"

    @property
    def changelog(self) -> Path:
        return self.package / "CHANGELOG.md"

    @property
    def module(self) -> Path:
        """The file that states the version."""
        return self.package / "src" / self.name.replace("-", "_") / "__init__.py"


def main() -> int:
    try:
        release = asked_for(os.environ)
        refuse_unready(release)
        with undone_on_failure(release):
            notes = state_version(release)
            files = build(release, notes)
            commit(release)
    except Refused as refused:
        sys.exit(f"release.py: {refused}")
    print(NEXT_STEPS.format(release.tag, " ".join(str(file.relative_to(ROOT)) for file in files)))
    return 0


def asked_for(settings: Mapping[str, str]) -> Release:
    """Returns what PACKAGE, VERSION and REPOSITORY ask for."""
    name, version = settings.get("PACKAGE", ""), settings.get("VERSION", "")
    package = ROOT / "packages" / name
    if not (name and (package / "pyproject.toml").exists()):
        raise Refused(f"expected PACKAGE to be a folder of packages, got {name!r}\n{USAGE}")
    if not VERSION.fullmatch(version):
        raise Refused(f"expected VERSION to be like 0.1.1, got {version!r}\n{USAGE}")
    return Release(package, version, settings.get("REPOSITORY") or address_of_origin())


def address_of_origin() -> str:
    """Returns the address of the remote ``origin`` as people open it in a browser."""
    asked = subprocess.run(
        ["git", "remote", "get-url", "origin"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        raise Refused(
            "links of the package's page need the address of this repository: there is no remote "
            f"'origin', and REPOSITORY is not given\n{USAGE}"
        )
    return web_address(asked.stdout.strip())


def web_address(remote: str) -> str:
    """Returns ``https://HOST/OWNER/NAME`` of any address that git knows."""
    found = re.fullmatch(r"(?:\w+://)?(?:[^@/]+@)?([^/:]+)(?::\d+/|[:/])(.+?)(?:\.git)?/?", remote)
    if not found:
        raise Refused(f"expected 'origin' to be like git@HOST:OWNER/NAME.git, got {remote!r}")
    return f"https://{found[1]}/{found[2]}"


def refuse_unready(release: Release) -> None:
    if output("git", "status", "--porcelain"):
        raise Refused("expected a clean checkout: commit your changes first")
    if output("git", "tag", "--list", release.tag):
        raise Refused(f"{release.tag} is released already: take the next version")
    if not unreleased(release.changelog.read_text()).strip():
        raise Refused(f"{release.changelog.relative_to(ROOT)}: nothing stands under Unreleased")


def unreleased(changelog: str) -> str:
    """Returns what a changelog has under "Unreleased"."""
    if UNRELEASED not in changelog:
        return ""
    return re.split(r"^## ", changelog.split(UNRELEASED, 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


@contextmanager
def undone_on_failure(release: Release) -> Iterator[None]:
    """Takes back what a release wrote into the checkout, when a step fails."""
    before = {file: file.read_text() for file in (release.module, release.changelog)}
    try:
        yield
    except BaseException:
        for file, text in before.items():
            file.write_text(text)
        raise


def state_version(release: Release) -> str:
    """Write the version into the module and the changelog. Returns the notes of the release."""
    module, changelog = release.module.read_text(), release.changelog.read_text()
    release.module.write_text(STATED_VERSION.sub(f'__version__ = "{release.version}"', module))
    today = datetime.now(UTC).date()
    title = f"{UNRELEASED}\n## {release.version} - {today}\n"
    release.changelog.write_text(changelog.replace(UNRELEASED, title, 1))
    return unreleased(changelog).strip() + "\n"


def build(release: Release, notes: str) -> list[Path]:
    """Build and check the files in ``dist``. Returns those to upload."""
    dist = ROOT / "dist"
    dist.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source, built = Path(folder) / release.package.name, Path(folder) / "dist"
        shutil.copytree(release.package, source, ignore=shutil.ignore_patterns("__pycache__"))
        make_public(source, release)
        run(sys.executable, "-m", "build", "--outdir", str(built), str(source))
        files = sorted(built.iterdir())
        run(sys.executable, "-m", "twine", "check", "--strict", *map(str, files))
        [wheel] = built.glob("*.whl")
        write_bill_of_materials(wheel, dist / f"{release.tag}.cdx.json")
        kept = [Path(shutil.copy(file, dist)) for file in files]
    (dist / f"{release.tag}.md").write_text(notes)
    return kept


def make_public(source: Path, release: Release) -> None:
    """Give a copy of the package what its page on an index needs: addresses, and absolute links."""
    files, pictures = (f"{release.repository}/{kind}/{release.tag}" for kind in ("blob", "raw"))
    folder = f"packages/{source.name}"
    urls = {
        "Source": release.repository,
        "Documentation": f"{files}/README.md",
        "Changelog": f"{files}/{folder}/CHANGELOG.md",
        "Issues": f"{release.repository}/issues",
    }
    project = source / "pyproject.toml"
    lines = "".join(f'{name} = "{url}"\n' for name, url in urls.items())
    project.write_text(f"{project.read_text()}\n[project.urls]\n{lines}")
    readme = source / "README.md"
    readme.write_text(absolute_links(readme.read_text(), folder, files, pictures))


def absolute_links(text: str, folder: str, files: str, pictures: str) -> str:
    """Returns a page of this folder whose links to files work everywhere."""

    def absolute(found: re.Match[str]) -> str:
        mark, label, target = found.groups()
        path = os.path.normpath(f"{folder}/{target}")
        return f"{mark}[{label}]({pictures if mark else files}/{path})"

    return LINK.sub(absolute, text)


def write_bill_of_materials(wheel: Path, file: Path) -> None:
    """Write what the package brings along when it is installed (CycloneDX, JSON)."""
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, "-m", "venv", folder)
        python = f"{folder}/bin/python"
        constraints, core = str(ROOT / "constraints.txt"), ROOT / "packages" / "core"
        needed = [] if wheel.name.startswith("buoy-") else [str(core)]
        run(python, "-m", "pip", "install", "-qq", "-c", constraints, *needed, str(wheel))
        run(python, "-m", "pip", "uninstall", "-qq", "-y", "pip", "setuptools")
        for source in Path(folder).rglob("direct_url.json"):
            source.unlink()  # it names a file of this machine instead of the package
        bom = ["environment", python, "--of", "JSON", "-o", str(file)]
        run(sys.executable, "-m", "cyclonedx_py", *bom)


def commit(release: Release) -> None:
    title = f"{release.name} {release.version}"
    files = [str(file) for file in (release.module, release.changelog)]
    run("git", "commit", "-q", "-m", f"release: {title}", "--", *files)
    run("git", "tag", "-a", release.tag, "-m", title)


def run(*command: str) -> None:
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise Refused(f"failed: {' '.join(command)}")


def output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
