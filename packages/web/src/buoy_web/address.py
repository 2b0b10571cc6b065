"""Addresses within the dashboard: ids and names as parts of a path, and where a request went."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import quote

from starlette.types import Scope

API = "/api"
"""Where the JSON of pages is, and where programs make changes."""
PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
"""What needs no change, as most names and ids."""
ODD = re.compile(r"[/\\%]|^~|^\.\.?$")
"""What browsers, proxies or servers would read in another way, even if it is percent-encoded."""


def segment(text: str) -> str:
    """Returns an id or a name as one part of a path; ``segment_text`` reads it."""
    if PLAIN.fullmatch(text):
        return text
    if text.isprintable() and not ODD.search(text):
        return quote(text, safe="")
    stored = urlsafe_b64encode(text.encode(errors="surrogateescape"))
    return f"~{stored.decode().rstrip('=')}"


def segment_text(part: str) -> str:
    """Returns what a part of a path means; a part that ``segment`` has not made is as it is."""
    if not part.startswith("~"):
        return part
    try:
        stored = urlsafe_b64decode(part[1:] + "=" * (-len(part[1:]) % 4))
    except ValueError:
        return part
    return stored.decode(errors="surrogateescape")


def root_of(scope: Scope) -> str:
    """Returns where the dashboard is mounted, percent-encoded; "" at the root of a site."""
    return quote(str(scope.get("root_path", "")), safe=SAFE)


def path_in(scope: Scope) -> str:
    """Returns the path of a request within the dashboard."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root)


def is_api(scope: Scope) -> bool:
    """Whether a request is one of a program, which is answered with JSON."""
    return path_in(scope).startswith(f"{API}/")


def query_of(scope: Scope) -> str:
    """Returns what stands behind the ``?``, as it was sent."""
    return bytes(scope.get("query_string", b"")).decode("latin-1")


def here_of(scope: Scope) -> str:
    """Returns path and query of a request within the dashboard, as a link needs them."""
    query = query_of(scope)
    path = "/" + path_in(scope).lstrip("/")  # two slashes in front would lead to another site
    return quote(path, safe=SAFE) + (f"?{query}" if query else "")


SAFE = "/~:@!$&'()*+,;="
"""What needs no percent-encoding in a path."""
