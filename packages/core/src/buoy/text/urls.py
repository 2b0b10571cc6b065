"""URLs in messages: without passwords, and without texts that may be a part of a password."""

import re
from urllib.parse import SplitResult, parse_qsl, urlsplit

HIDDEN = "(hidden)"
NAME = re.compile(r"[\w-]+")
HOST_AND_PORT = re.compile(r"[\w.-]*:[0-9]{1,5}")
SPECIAL = "a port and a database are numbers; percent-encode special characters in a password"


class OddUrl(ValueError):
    """A URL that cannot be used. The message quotes no part of it, since that may be secret."""


def split(url: str) -> SplitResult:
    """The parts of a URL. Raises OddUrl when it is malformed, or when a character of a password may
    have been taken for a separator."""
    try:
        parts = parse_url(url)
        login, at, hosts = parts.netloc.rpartition("@")
        for host in hosts.split(","):
            urlsplit(f"//{login}{at}{host}").port  # noqa: B018 - raises ValueError if it is no number
        parse_qsl(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        raise OddUrl(SPECIAL) from None
    if "@" in parts.path or parts.fragment:
        raise OddUrl(SPECIAL)
    return parts


def parse_url(url: str) -> SplitResult:
    """The parts of a URL that may name several hosts. (urllib refuses several if one is an IPv6
    address.) Raises ValueError when it is malformed."""
    start, slashes, rest = "".join(re.split(r"[\t\r\n]", url)).partition("://")
    netloc = re.split(r"[/?#]", rest, maxsplit=1)[0] if slashes else ""
    parts = urlsplit(f"{start}{slashes}{rest[len(netloc) :]}")
    return parts._replace(netloc=netloc) if slashes else parts


def masked(url: str) -> str:
    """The URL with ``***`` for passwords. Returns HIDDEN for a URL that ``split`` refuses: what
    looks like a host or a path may be a part of a password."""
    try:
        parts = split(url)
    except OddUrl:
        return HIDDEN
    if parts.netloc and "@" not in parts.netloc and "@" in parts.query:
        return HIDDEN
    if "://" not in url:
        return url if not url or HOST_AND_PORT.fullmatch(url) else HIDDEN
    shown = parts._replace(netloc=masked_login(parts.netloc), query=option_names(parts.query))
    return f"{shown.scheme}://{shown.netloc}{shown.path}" + (
        f"?{shown.query}" if shown.query else ""
    )


def masked_login(netloc: str) -> str:
    """The user and hosts of a URL, with ``***`` for the password."""
    login, at, hosts = netloc.rpartition("@")
    user, colon, _ = login.partition(":")
    return f"{user}:***@{hosts}" if colon else f"***@{hosts}" if at else hosts


def option_names(query: str) -> str:
    """The names of the options, with ``***`` for the values. If one of them is a password, only
    ``***``: the name that follows may be the second half of the password. So may be what is no
    name."""
    found = [name for name, _ in parse_qsl(query)]
    return (
        "***"
        if any("pass" in name.lower() or not NAME.fullmatch(name) for name in found)
        else "&".join(f"{name}=***" for name in found)
    )
