"""Lua scripts as files: ``lua/NAME.lua`` of a package, for the core and for plugins alike."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

INCLUDE = re.compile(r"^-- include (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """One act on Redis: its text, and the digest by which the server knows it."""

    name: str
    text: str
    sha: str


@cache
def script(package: str, name: str) -> Script:
    """Load a script; a line ``-- include NAME`` stands for the file of that name beside it."""
    folder = files(package) / "lua"

    def read(name: str) -> str:
        text = (folder / f"{name}.lua").read_text(encoding="utf-8")
        return INCLUDE.sub(lambda found: read(found[1]), text)

    text = read(name)
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
