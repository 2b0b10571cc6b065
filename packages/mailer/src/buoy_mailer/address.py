"""Parses mail addresses strictly, into the form that every mail server accepts."""

import unicodedata
from collections.abc import Iterable, Sequence
from email.errors import MessageDefect, NonASCIILocalPartDefect, ObsoleteHeaderDefect
from email.headerregistry import Address
from email.policy import default
from typing import Any

import idna

from .errors import InvalidMail

Addresses = str | Address | Sequence[str | Address]
"""One address or several: ``"ann@example.com"``, ``"Ann <ann@example.com>"``, or, for names with
any characters, ``Address("Ann", addr_spec="ann@example.com")`` of ``email.headerregistry``."""

LONGEST_ADDRESS = 320
"""Characters of an address: 64 before the ``@``, 255 after it (RFC 5321)."""

HARMLESS_DEFECTS = (NonASCIILocalPartDefect, ObsoleteHeaderDefect)
"""``ünal@example.org`` needs SMTPUTF8; ``J. Doe <j@example.org>`` is what people write."""


def parse_addresses(given: Addresses, field: str) -> list[Address]:
    """Returns the given addresses. ``field`` names them in errors. Raises InvalidMail."""
    several = given if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    return [parse_address(each, field) for each in several]


def parse_address(given: object, field: str) -> Address:
    """Returns the one address that is given; raises InvalidMail.

    Refuses a text that holds two addresses: a comma in a person's name must not add a recipient.
    """
    if not isinstance(given, str | Address):
        raise invalid_address(field, given)
    try:
        # The name of an Address is taken as it is: parsed again, it could be read as an address.
        if isinstance(given, str):
            name, text = None, given
        else:
            name, text = given.display_name, address_spec(given)
        parsed: Any = default.header_factory("To", text)
        [found], [group] = parsed.addresses, parsed.groups
    except Exception:  # noqa: BLE001 - the parser of the standard library raises many kinds
        raise invalid_address(field, given) from None
    harmful = any(is_harmful(defect) for defect in parsed.defects)
    if harmful or group.display_name is not None or not (found.username and found.domain):
        raise invalid_address(field, given)
    name = checked_name(found.display_name if name is None else name, field, given)
    domain = ascii_domain(found.domain, field, given)
    if len(found.username) + len(domain) >= LONGEST_ADDRESS:
        raise invalid_address(field, given)
    return Address(name, found.username, domain)


def address_spec(given: Address) -> str:
    """Returns the address without its name, as text even if a subclass returns something else."""
    return str(given.addr_spec)


def checked_name(name: object, field: str, given: object) -> str:
    """Returns the name without outer spaces; raises InvalidMail unless it is one line of text
    that UTF-8 can encode."""
    if not isinstance(name, str) or any(map(is_control, name)):
        raise invalid_address(field, given)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise invalid_address(field, given) from None
    return name.strip()


def is_control(character: str) -> bool:
    """Whether the character is a control character or ends a line. A tab is allowed."""
    return character != "\t" and unicodedata.category(character) in ("Cc", "Zl", "Zp")


def is_harmful(defect: MessageDefect) -> bool:
    return not isinstance(defect, HARMLESS_DEFECTS)


def ascii_domain(domain: str, field: str, given: object) -> str:
    """Returns the domain as name servers know it (IDNA); raises InvalidMail."""
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        raise invalid_address(field, given) from None


def invalid_address(field: str, given: object) -> InvalidMail:
    return InvalidMail(f"{field}: expected one address like ann@example.com, got {given!r:.200}")
