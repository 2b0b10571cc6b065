"""Lua scripts as files: ``lua/NAME.lua`` of a package, for the core and for plugins alike."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pkgutil import get_data

INCLUDE = re.compile(r"^-- include (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """One act on Redis: its text, and the digest by which the server knows it."""

    name: str
    text: str
    sha: str


@cache
def script(package: str, name: str) -> Script:
    """Load a script; a line ``-- include NAME`` stands for the file of that name beside it.

    Each file includes what it uses, and stands in the script once.
    """
    included = set()

    def read(name: str) -> str:
        if name in included:
            return ""
        included.add(name)
        text = (get_data(package, f"lua/{name}.lua") or b"").decode()
        return INCLUDE.sub(lambda found: read(found[1]), text)

    text = read(name)
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
