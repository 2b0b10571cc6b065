"""Which server has written the data of a folder, and which may read it."""

import json
import re
import subprocess
from pathlib import Path
from typing import NamedTuple, Self

from .server import ServerError

NOTE = "server.json"


class Version(NamedTuple):
    """Which server, and how new."""

    server: str
    major: int
    minor: int

    @classmethod
    def of(cls, executable: str) -> Self:
        said = subprocess.run([executable, "--version"], stdout=subprocess.PIPE, check=False).stdout
        text = said.decode(errors="replace").strip()
        found = re.search(r"(\w+) server v=(\d+)\.(\d+)", text)
        if found is None:
            raise ServerError(
                f"{executable} --version: expected words like 'Redis server v=7.2.5', got "
                f"{text!r}. Set BUOY_REDIS_SERVER to a Redis or Valkey server."
            )
        return cls(found[1].lower(), int(found[2]), int(found[3]))

    def reads(self, other: "Version") -> bool:
        """Whether it reads what the other has written: its own kind did, or the Redis that Valkey
        has come from, and that was not newer."""
        same = self.server == other.server
        return self >= other if same else self.server == "valkey" and other[1:] <= (7, 2)

    def __str__(self) -> str:
        return f"{self.server} {self.major}.{self.minor}"


def check_format(folder: Path, mine: Version) -> None:
    """Refuse data that this server could not read, or, as some do, would not even see.

    It is noted before the start, from which on the files may be in the newer format.
    """
    note = folder / NOTE
    theirs = noted(note)
    if theirs is not None and not mine.reads(theirs):
        raise ServerError(
            f"embedded://{folder}: expected a server that reads the data of {theirs}, got {mine}. "
            "Install a newer one (pip install --upgrade 'buoy[embedded]'), or set "
            "BUOY_REDIS_SERVER to one, or take another folder."
        )
    if theirs != mine:
        fresh = note.with_suffix(".new")
        fresh.write_text(json.dumps(mine._asdict()) + "\n")
        fresh.replace(note)


def noted(note: Path) -> Version | None:
    if not note.exists():
        return None
    text = note.read_text(errors="replace")
    try:
        return Version(**json.loads(text))
    except (ValueError, TypeError):
        raise ServerError(
            f'{note}: expected {{"server": "valkey", "major": 9, "minor": 1}} or the like, got '
            f"{text!r}. Write into it which server the data of this folder is from."
        ) from None
