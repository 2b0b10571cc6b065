"""Writes the header lines of a message, instead of the email package of the standard library.

That package loses information when it folds long headers, in many of the Python versions that this
package supports:

- The quotes around a long display name are lost, so its commas separate recipients
  (https://github.com/python/cpython/issues/80222).
- Spaces beside encoded words are lost or added
  (https://github.com/python/cpython/issues/92081, https://github.com/python/cpython/issues/120930).
- A long word, such as a link in List-Unsubscribe, is encoded, and mail programs do not decode it.

This file can go when all supported versions of Python pass tests/mailer/test_header_folding.py
without it.
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

PREFERRED_LINE, LONGEST_LINE = 76, 998
"""Characters of a line: the limit with encoded words (RFC 2047), and without (RFC 5322)."""
LONGEST_ENCODED_WORD = 75
SHORTEST_ENCODED_WORD = 20
"""Characters of an encoded word. Where a line has less room than the shortest, a new one begins."""
ENCODED_WORD_OVERHEAD = len("=?utf-8?b??=")
LONGEST_PLAIN_NAME = 400
"""Characters of a name that is written without encoding, on a line of its own."""
PARAMETER_PART_BYTES = 18
"""Bytes in one part of an encoded parameter. Each byte may take three characters."""
ATOMS = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+( [\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
"""Names that need no quotes."""


class VerbatimText(str):
    """The value of a header that is text. It is never decoded, whatever it looks like."""

    __slots__ = ("name",)
    name: str

    @classmethod
    def of(cls, header: str, text: str) -> Self:
        made = cls(text)
        made.name = header
        return made


class HeaderPolicy(EmailPolicy):
    """Folds all headers with FoldedHeader."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        _, header = super().header_store_parse(name, value)
        if isinstance(header, UnstructuredHeader):  # it has decoded what looks like encoded words
            return name, VerbatimText.of(name, str(value))
        return name, header

    def fold(self, name: str, value: Any) -> str:
        header = FoldedHeader(name)
        if isinstance(value, AddressHeader):
            write_addresses(header, value.addresses)
        elif isinstance(value, ParameterizedMIMEHeader):
            write_parameters(header, str(value).partition(";")[0], value.params)
        else:
            write_text(header, str(value))
        return header.text()

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode()


class FoldedHeader:
    """The lines of one header while they are written."""

    def __init__(self, name: str) -> None:
        self.finished_lines: list[str] = []
        self.line = f"{name}:"

    @property
    def room(self) -> int:
        """The number of characters that a word may have to fit on this line."""
        return PREFERRED_LINE - len(self.line) - 1

    def add(self, word: str) -> None:
        """Write a word on this line, or on the next one. Leaves no line without a word."""
        if len(word) > self.room and " " in self.line:
            self.end_line()
        self.line += f" {word}"

    def end_line(self) -> None:
        """Begin a new line. The space at its start is part of the text."""
        self.finished_lines.append(self.line)
        self.line = ""

    def text(self) -> str:
        """Returns all lines, each with the line end of SMTP."""
        return "".join(f"{line}\r\n" for line in [*self.finished_lines, self.line])


def write_addresses(header: FoldedHeader, addresses: Sequence[Address]) -> None:
    for number, each in enumerate(addresses, 1):
        comma = "," if number < len(addresses) else ""
        write_name(header, each.display_name)
        spec = f"<{each.addr_spec}>" if each.display_name else each.addr_spec
        header.add(spec + comma)


def write_parameters(header: FoldedHeader, kind: str, params: Mapping[str, str]) -> None:
    """Write a value like ``text/csv`` and its parameters."""
    words = [kind, *(word for name in params for word in parameter_words(name, params[name]))]
    for word in words[:-1]:
        header.add(f"{word};")
    header.add(words[-1])


def parameter_words(name: str, value: str) -> Iterator[str]:
    """Returns one quoted word, or for values that cannot be quoted the encoded parts (RFC 2231)."""
    if needs_no_encoding(value) and len(value) <= LONGEST_PLAIN_NAME:
        yield f'{name}="{quote(value)}"'
        return
    charset = "utf-8''"
    for number, part in enumerate(split_by_bytes(value, PARAMETER_PART_BYTES)):
        yield f"{name}*{number}*={charset if number == 0 else ''}{percent_encoded(part, safe='')}"


def split_by_bytes(text: str, size: int) -> Iterator[str]:
    """Returns the text in parts of at most ``size`` bytes of UTF-8."""
    while text:
        part = longest_start(text, size)
        yield part
        text = text[len(part) :]


def write_name(header: FoldedHeader, name: str) -> None:
    """Write a display name: as it is, quoted, or encoded, whichever is the first that is safe."""
    if not needs_no_encoding(name) or len(name) > LONGEST_PLAIN_NAME:
        write_encoded(header, name)
    elif name:
        header.add(name if ATOMS.fullmatch(name) else f'"{quote(name)}"')


def write_text(header: FoldedHeader, text: str) -> None:
    """Write text: as it is, if readers get it back unchanged, else encoded."""
    words = re.split(r"(?<=\S) (?=\S)", text)
    longest = max(map(len, words))
    too_long = len(header.line) + longest >= LONGEST_LINE
    if not needs_no_encoding(text) or text != text.strip() or too_long:
        write_encoded(header, text)
    elif longest > PREFERRED_LINE and len(header.line) + len(text) < LONGEST_LINE:
        header.line += f" {text}"  # the long word may be a link: keep all on one line
    else:
        for word in words:
            header.add(word)


def needs_no_encoding(text: str) -> bool:
    """Whether the text is printable ASCII in which no reader finds an encoded word."""
    return text.isascii() and text.isprintable() and "=?" not in text


def write_encoded(header: FoldedHeader, text: str) -> None:
    """Write text in encoded words (RFC 2047). Readers drop the spaces between these words."""
    rest = text
    while rest:
        if header.room < SHORTEST_ENCODED_WORD and " " in header.line:
            header.end_line()
        room = max(SHORTEST_ENCODED_WORD, min(LONGEST_ENCODED_WORD, header.room))
        part = longest_start(rest, bytes_in_encoded_word(room))
        header.add(f"=?utf-8?b?{b64encode(part.encode()).decode()}?=")
        rest = rest[len(part) :]


def bytes_in_encoded_word(length: int) -> int:
    """Returns how many bytes an encoded word of this many characters can hold."""
    return (length - ENCODED_WORD_OVERHEAD) // 4 * 3


def longest_start(text: str, size: int) -> str:
    """Returns as many whole characters as fit into ``size`` bytes, at least one."""
    part = text[:size]
    while len(part) > 1 and len(part.encode()) > size:
        part = part[:-1]
    return part


# Bodies are encoded in 7 bits, which every server accepts. Lines end as SMTP wants.
ASCII_POLICY = HeaderPolicy(linesep="\r\n", cte_type="7bit")
UTF8_POLICY = ASCII_POLICY.clone(utf8=True)
