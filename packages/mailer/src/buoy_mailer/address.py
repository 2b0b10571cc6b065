"""Addresses: read strictly, and in the form that every mail server takes."""

import unicodedata
from collections.abc import Iterable, Sequence
from email.errors import MessageDefect, NonASCIILocalPartDefect, ObsoleteHeaderDefect
from email.headerregistry import Address
from email.policy import default
from typing import Any

import idna

from .errors import InvalidMail

Addresses = str | Address | Sequence[str | Address]
"""One or more: ``"ann@example.com"``, ``"Ann <ann@example.com>"``, or, for names of all kinds,
``Address("Ann", addr_spec="ann@example.com")`` of ``email.headerregistry``."""

LONGEST = 320
"""Characters of an address: 64 before the ``@``, 255 behind it (RFC 5321)."""

HARMLESS = (NonASCIILocalPartDefect, ObsoleteHeaderDefect)
"""``ünal@example.org`` takes SMTPUTF8; ``J. Doe <j@example.org>`` is what people write."""


def addresses(given: Addresses, subject: str) -> list[Address]:
    """What is given, as addresses; raises InvalidMail."""
    several = given if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    return [address(each, subject) for each in several]


def address(given: object, subject: str) -> Address:
    """One address. A text that holds two is refused: a comma in somebody's name must not make
    another recipient."""
    if not isinstance(given, str | Address):
        raise wrong(subject, given)
    try:
        # The name of an Address needs no reading, and must not be taken for what it may look like.
        name, text = (None, given) if isinstance(given, str) else (given.display_name, spec(given))
        parsed: Any = default.header_factory("To", text)
        [found], [group] = parsed.addresses, parsed.groups
    except Exception:  # noqa: BLE001 - the parser of the standard library raises all sorts
        raise wrong(subject, given) from None
    spoilt = any(is_spoilt(defect) for defect in parsed.defects)
    if spoilt or group.display_name is not None or not (found.username and found.domain):
        raise wrong(subject, given)
    name = checked_name(found.display_name if name is None else name, subject, given)
    domain = ascii_domain(found.domain, subject, given)
    if len(found.username) + len(domain) >= LONGEST:
        raise wrong(subject, given)
    return Address(name, found.username, domain)


def spec(given: Address) -> str:
    """The address without its name; a subclass may not write it as text."""
    return str(given.addr_spec)


def checked_name(name: object, subject: str, given: object) -> str:
    """The name, if it is text of one line that UTF-8 can hold."""
    if not isinstance(name, str) or any(map(is_control, name)):
        raise wrong(subject, given)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise wrong(subject, given) from None
    return name.strip()


def is_control(character: str) -> bool:
    """Whether it may end a line, or is nothing to be read."""
    return character != "\t" and unicodedata.category(character) in ("Cc", "Zl", "Zp")


def is_spoilt(defect: MessageDefect) -> bool:
    return not isinstance(defect, HARMLESS)


def ascii_domain(domain: str, subject: str, given: object) -> str:
    """The domain as the name servers know it (IDNA)."""
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        raise wrong(subject, given) from None


def wrong(subject: str, given: object) -> InvalidMail:
    return InvalidMail(f"{subject}: expected one address like ann@example.com, got {given!r:.200}")
