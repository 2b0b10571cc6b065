"""How the header lines of a message are written.

The standard library would do that, too, each version of it in its own way, and most of them lose
something: the quotes around a long name, so that its commas make recipients; a space between two
encoded words; a link that is encoded and is none any more.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from email.headerregistry import (
    Address,
    AddressHeader,
    ParameterizedMIMEHeader,
    UnstructuredHeader,
)
from email.policy import EmailPolicy
from email.utils import quote
from typing import Any, Self
from urllib.parse import quote as percent_encoded

USUAL, LONGEST = 76, 998
"""Of characters in a line: where there are encoded words (RFC 2047), and at all (RFC 5322)."""
WORD, AROUND, LEAST = 75, len("=?utf-8?b??="), 20
"""Of an encoded word: the most characters, those around the text, and those that it needs."""
NAME = 400
"""Characters of a name that are still written as they are, on a line of their own."""
PART = 18
"""Bytes in a part of an encoded parameter: each of them may become three characters."""
ATOMS = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+( [\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)


class Text(str):
    """A header of words as they are meant, whatever they look like."""

    __slots__ = ("name",)
    name: str

    @classmethod
    def of(cls, name: str, text: str) -> Self:
        """The text of the header of that name."""
        made = cls(text)
        made.name = name
        return made


class Lines(EmailPolicy):
    """Writes all headers by itself."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        _, header = super().header_store_parse(name, value)
        if isinstance(header, UnstructuredHeader):  # the library has decoded what looks encoded
            return name, Text.of(name, str(value))
        return name, header

    def fold(self, name: str, value: Any) -> str:
        lines = Folding(name)
        if isinstance(value, AddressHeader):
            write_addresses(lines, value.addresses)
        elif isinstance(value, ParameterizedMIMEHeader):
            write_parameters(lines, str(value).partition(";")[0], value.params)
        else:
            write_text(lines, str(value))
        return lines.joined()

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode()


class Folding:
    """The lines of one header while they are written."""

    def __init__(self, name: str) -> None:
        self.full: list[str] = []
        self.line = f"{name}:"

    @property
    def room(self) -> int:
        """How many characters of a word still go on this line."""
        return USUAL - len(self.line) - 1

    def add(self, word: str) -> None:
        """Write a word on this line, or on the next; none is left without any."""
        if len(word) > self.room and " " in self.line:
            self.end_line()
        self.line += f" {word}"

    def end_line(self) -> None:
        """Go on with a new line; that begins with a space, which is a part of the text."""
        self.full.append(self.line)
        self.line = ""

    def joined(self) -> str:
        """All lines, as SMTP wants them."""
        return "".join(f"{line}\r\n" for line in [*self.full, self.line])


def write_addresses(lines: Folding, addresses: Sequence[Address]) -> None:
    for number, each in enumerate(addresses, 1):
        comma = "," if number < len(addresses) else ""
        write_name(lines, each.display_name)
        spec = f"<{each.addr_spec}>" if each.display_name else each.addr_spec
        lines.add(spec + comma)


def write_parameters(lines: Folding, kind: str, params: Mapping[str, str]) -> None:
    words = [kind, *(word for name in params for word in parameter(name, params[name]))]
    for word in words[:-1]:
        lines.add(f"{word};")
    lines.add(words[-1])


def parameter(name: str, value: str) -> Iterator[str]:
    """A parameter: quoted, whatever is in it; encoded in parts (RFC 2231) if that is not enough."""
    if is_plain(value) and len(value) <= NAME:
        yield f'{name}="{quote(value)}"'
        return
    charset = "utf-8''"
    for number, part in enumerate(parts_of(value, PART)):
        yield f"{name}*{number}*={charset if number == 0 else ''}{percent_encoded(part, safe='')}"


def parts_of(text: str, size: int) -> Iterator[str]:
    """The text in parts of so many bytes."""
    while text:
        part = beginning(text, size)
        yield part
        text = text[len(part) :]


def write_name(lines: Folding, name: str) -> None:
    """A display name: quoted, whatever is in it; encoded if that is not enough."""
    if not is_plain(name) or len(name) > NAME:
        write_encoded(lines, name)
    elif name:
        lines.add(name if ATOMS.fullmatch(name) else f'"{quote(name)}"')


def write_text(lines: Folding, text: str) -> None:
    """A text of words: as it is, if it comes back so."""
    words = re.split(r"(?<=\S) (?=\S)", text)
    longest = max(map(len, words))
    if not is_plain(text) or text != text.strip() or len(lines.line) + longest >= LONGEST:
        write_encoded(lines, text)
    elif longest > USUAL and len(lines.line) + len(text) < LONGEST:
        lines.line += f" {text}"  # what has a link in it stays on one line
    else:
        for word in words:
            lines.add(word)


def is_plain(text: str) -> bool:
    """Whether it is printable ASCII that nobody takes for an encoded word."""
    return text.isascii() and text.isprintable() and "=?" not in text


def write_encoded(lines: Folding, text: str) -> None:
    """A text in encoded words (RFC 2047). Readers drop the spaces between them."""
    rest = text
    while rest:
        if lines.room < LEAST and " " in lines.line:
            lines.end_line()
        size = bytes_that_fit(max(LEAST, min(WORD, lines.room)))
        part = beginning(rest, size)
        lines.add(f"=?utf-8?b?{b64encode(part.encode()).decode()}?=")
        rest = rest[len(part) :]


def bytes_that_fit(room: int) -> int:
    return (room - AROUND) // 4 * 3


def beginning(text: str, size: int) -> str:
    """As many whole characters as so many bytes hold, at least one."""
    part = text[:size]
    while len(part) > 1 and len(part.encode()) > size:
        part = part[:-1]
    return part


# All bodies in 7 bits: no server has to know more. Lines end as SMTP wants it.
ASCII = Lines(linesep="\r\n", cte_type="7bit")
UTF8 = ASCII.clone(utf8=True)
