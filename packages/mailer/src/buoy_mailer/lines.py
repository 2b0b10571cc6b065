"""How the lines of a message are made."""

from email.header import Header
from email.headerregistry import UnstructuredHeader
from email.policy import EmailPolicy

USUAL, LONGEST = 78, 998
"""Of characters in a line: what is asked for, and what is allowed (RFC 5322)."""


class Lines(EmailPolicy):
    """As the standard library makes them, but for two things that it does not well: a word that is
    longer than a line it encodes, and a link in a ``List-Unsubscribe`` is none any more; and of
    text that it must encode, older versions lose a space here and there."""

    def fold_binary(self, name: str, value: str) -> bytes:
        longest = max(map(len, str(value).split()), default=0)
        if str(value).isascii() and USUAL < longest + len(name) + 2 < LONGEST:
            return EmailPolicy(linesep="\r\n", max_line_length=LONGEST).fold_binary(name, value)
        if isinstance(value, UnstructuredHeader) and not (self.utf8 or str(value).isascii()):
            encoded = Header(str(value), "utf-8", header_name=name).encode(linesep="\r\n")
            return f"{name}: {encoded}\r\n".encode()
        return super().fold_binary(name, value)


# All bodies in 7 bits: no server has to know more. Lines end as SMTP wants it.
ASCII = Lines(linesep="\r\n", cte_type="7bit")
UTF8 = ASCII.clone(utf8=True)
