"""A mail as its author writes it, as a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from mimetypes import guess_type
from pathlib import Path
from typing import Self

from .address import Addresses

WHOLE = ("message/", "multipart/")
"""Types of mails inside a mail. What is attached is encoded, and those must not be (RFC 2046):
readers show them empty, or as a heap of letters."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail. Its type is guessed from its name, if none is given.

    With a ``cid`` the HTML part shows it: ``<img src="cid:logo">``. An ``alternative`` is shown
    instead of the text by programs that know its type: so an invitation
    (``type="text/calendar; method=REQUEST"``) is one that can be answered.
    """

    name: str
    content: bytes | str
    type: str | None = None
    cid: str | None = None
    alternative: bool = False

    @classmethod
    def file(cls, path: str | Path, type: str | None = None, cid: str | None = None) -> Self:
        """A file as it lies on the disk, under its own name."""
        path = Path(path)
        return cls(path.name, path.read_bytes(), type, cid)

    def content_type(self) -> str:
        """Its type, the parameters behind it."""
        guessed, encoding = guess_type(self.name)
        known = guessed if encoding is None else None  # of report.csv.gz, the type is not text/csv
        if known is not None and known.startswith(WHOLE):
            known = None
        return self.type or known or "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Mail:
    """What a method marked with ``@mail`` returns.

    Without ``text`` the text part is made from ``html``. ``sender`` is by default the mailer's.
    Those in ``bcc`` get the mail and are not named in it.
    """

    to: Addresses
    subject: str
    text: str | None = None
    html: str | None = None
    cc: Addresses = ()
    bcc: Addresses = ()
    sender: str | None = None
    reply_to: Addresses = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: Sequence[Attachment] = ()
