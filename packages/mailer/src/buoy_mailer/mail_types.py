"""A mail as its author writes it: Mail and Attachment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from mimetypes import guess_type
from pathlib import Path
from typing import Self

from .address import Addresses

NESTED_MAIL_TYPES = ("message/", "multipart/")
"""Types of a mail inside a mail. Attachments are encoded, and these types must not be (RFC 2046):
mail programs show them empty, or encoded."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that is sent with a mail. Without ``type``, its type is guessed from its name.

    With a ``cid`` the HTML part can show the file: ``<img src="cid:logo">``. An ``alternative`` is
    shown instead of the text by mail programs that know its type. So an invitation can be answered:
    ``type="text/calendar; method=REQUEST"``.
    """

    name: str
    content: bytes | str
    type: str | None = None
    cid: str | None = None
    alternative: bool = False

    @classmethod
    def file(cls, path: str | Path, type: str | None = None, cid: str | None = None) -> Self:
        """Returns a file of the disk, under its own name. Raises OSError."""
        path = Path(path)
        return cls(path.name, path.read_bytes(), type, cid)

    def content_type(self) -> str:
        """Returns the MIME type, with its parameters."""
        guessed, encoding = guess_type(self.name)
        known = guessed if encoding is None else None  # report.csv.gz is not text/csv
        if known is not None and known.startswith(NESTED_MAIL_TYPES):
            known = None
        return self.type or known or "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Mail:
    """What a method marked with ``@mail`` returns.

    Without ``text``, the text part is made from ``html``. ``sender`` is the mailer's by default.
    Recipients in ``bcc`` get the mail, but no header names them.
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
