"""URLs as they may be shown: without what may be a secret."""

import re
from urllib.parse import SplitResult, parse_qsl, urlsplit

HIDDEN = "(hidden)"
HOST_AND_PORT = re.compile(r"[\w.-]*:[0-9]{1,5}")
SPECIAL = "a port and a database are numbers; percent-encode what is special in a password"


class OddUrl(ValueError):
    """A URL that cannot be used. The reason quotes nothing of it, so it may be shown to all."""


def split(url: str) -> SplitResult:
    """The parts of a URL; raises OddUrl where a part of a password may be taken for another."""
    try:
        parts = parsed(url)
        login, at, hosts = parts.netloc.rpartition("@")
        for host in hosts.split(","):
            urlsplit(f"//{login}{at}{host}").port  # noqa: B018 - it raises for what is no number
        parse_qsl(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        raise OddUrl(SPECIAL) from None
    if "@" in parts.path or parts.fragment:
        raise OddUrl(SPECIAL)
    return parts


def parsed(url: str) -> SplitResult:
    """The parts of a URL that may name several hosts, which urllib refuses with an IPv6 one."""
    start, slashes, rest = "".join(re.split(r"[\t\r\n]", url)).partition("://")
    netloc = re.split(r"[/?#]", rest, maxsplit=1)[0] if slashes else ""
    parts = urlsplit(f"{start}{slashes}{rest[len(netloc) :]}")
    return parts._replace(netloc=netloc) if slashes else parts


def masked(url: str) -> str:
    """The URL without its passwords. One that cannot be read is not shown at all: what looks like
    a host or a path there may be a part of a password."""
    try:
        parts = split(url)
    except OddUrl:
        return HIDDEN
    if parts.netloc and "@" not in parts.netloc and "@" in parts.query:
        return HIDDEN
    if "://" not in url:
        return url if not url or HOST_AND_PORT.fullmatch(url) else HIDDEN
    shown = parts._replace(netloc=masked_login(parts.netloc), query=names(parts.query))
    return f"{shown.scheme}://{shown.netloc}{shown.path}" + (
        f"?{shown.query}" if shown.query else ""
    )


def masked_login(netloc: str) -> str:
    login, at, hosts = netloc.rpartition("@")
    user, colon, _ = login.partition(":")
    return f"{user}:***@{hosts}" if colon else f"***@{hosts}" if at else hosts


def names(query: str) -> str:
    """The names of options without their values; beside a password not even the names, one of
    which may be its second half."""
    found = [name for name, _ in parse_qsl(query)]
    return (
        "***"
        if any("pass" in name.lower() for name in found)
        else "&".join(f"{name}=***" for name in found)
    )
