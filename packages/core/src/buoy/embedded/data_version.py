"""The server that has written the data of a folder, and whether another server can read them."""

import json
import re
import subprocess
from pathlib import Path
from typing import NamedTuple, Self

from .server import ServerError

NOTE = "server.json"
"""The file of a folder that names the server of its data."""


class Version(NamedTuple):
    """A server and its version: ``valkey 9.1``."""

    server: str
    major: int
    minor: int

    @classmethod
    def of(cls, executable: str) -> Self:
        """The version of an executable. Raises ServerError when it is no Redis or Valkey server."""
        ran = subprocess.run([executable, "--version"], stdout=subprocess.PIPE, check=False)
        text = ran.stdout.decode(errors="replace").strip()
        found = re.search(r"(\w+) server v=(\d+)\.(\d+)", text)
        if found is None:
            raise ServerError(
                f"{executable} --version: expected words like 'Redis server v=7.2.5', got "
                f"{text!r}. Set BUOY_REDIS_SERVER to a Redis or Valkey server."
            )
        return cls(found[1].lower(), int(found[2]), int(found[3]))

    def reads(self, other: "Version") -> bool:
        """Whether this server can read the data of the other: of an older version of itself or, for
        Valkey, of a Redis up to 7.2, from which Valkey was forked."""
        same = self.server == other.server
        return self >= other if same else self.server == "valkey" and other[1:] <= (7, 2)

    def __str__(self) -> str:
        return f"{self.server} {self.major}.{self.minor}"


def check_format(folder: Path, mine: Version) -> None:
    """Raise ServerError if this server cannot read the data of the folder. Some servers would not
    even notice such data, and start empty.

    Writes the version into the folder: to be called before the server starts, since from then on
    the data may have the newer format.
    """
    note = folder / NOTE
    theirs = read_version(note)
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


def read_version(note: Path) -> Version | None:
    """The version that this file names. Returns None when there is no such file; raises ServerError
    when its content makes no sense."""
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
