"""The code blocks of the documentation, as files and commands."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\w+\.py)\n")


@dataclass(frozen=True)
class Page:
    """A page of the documentation."""

    path: str

    def text(self) -> str:
        return (ROOT / self.path).read_text(encoding="utf-8")

    def blocks(self, language: str) -> list[str]:
        return [body for found, body in BLOCK.findall(self.text()) if found == language]

    def write_files(self, folder: Path) -> None:
        """Write the blocks that begin with the name of a file, each under that name."""
        for body in self.blocks("python"):
            if named := FILE.match(body):
                (folder / named[1]).write_text(body, encoding="utf-8")


PAGES = [
    Page(str(path.relative_to(ROOT)))
    for pattern in ("*.md", "docs/**/*.md", "packages/*/README.md", "examples/*.md")
    for path in sorted(ROOT.glob(pattern))
]


def search_path() -> str:
    """Where commands are found: those of this environment, then those for all."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def shell(command: str, folder: Path, url: str) -> str:
    """What a user's shell says to it; fails if that ends with an error."""
    environment = {**os.environ, "BUOY_URL": url, "PATH": search_path()}
    ended = subprocess.run(
        ["/bin/sh", "-ec", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
