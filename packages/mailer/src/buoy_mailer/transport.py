"""Where mails are sent, by URL: a mail server, a folder, a list in memory, or the console."""

import os
import sys
from functools import cache
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from buoy import ConfigurationError
from buoy.plugins.text import masked_url, one_line

from .compose import Envelope, local_part
from .smtp import Refusals, Smtp

outbox: list[Envelope] = []
"""The mails that ``memory://`` got in this process, for tests."""


class Transport(Protocol):
    """Sends mails."""

    def send(self, envelope: Envelope) -> Refusals:
        """Send a mail; returns the recipients that were refused, if the mail went to others.

        Raises SMTPRecipientsRefused if all recipients were refused, other errors of smtplib, and
        OSError.
        """


class MemoryTransport:
    """``memory://``: appends to ``outbox``."""

    def send(self, envelope: Envelope) -> Refusals:
        bytes(envelope)  # raises the errors that other transports would raise
        outbox.append(envelope)
        return {}


class ConsoleTransport:
    """``console://``: prints to standard output."""

    def send(self, envelope: Envelope) -> Refusals:
        lines = with_envelope_headers(envelope).decode(errors="replace").split("\r\n")
        sys.stdout.write("".join(f"{one_line(line)}\n" for line in lines))
        sys.stdout.flush()
        return {}


class FolderTransport:
    """``file://DIR``: writes one ``.eml`` file for each job. A file is never there in part, and
    only its owner can read it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, envelope: Envelope) -> Refusals:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"{local_part(envelope.id)}.eml"
        partial = path.with_suffix(f".{uuid4().hex}")
        try:
            with open(partial, "xb", opener=open_private) as file:
                file.write(with_envelope_headers(envelope))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        return {}


def open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def with_envelope_headers(envelope: Envelope) -> bytes:
    """Returns the message after headers that name the sender and the recipients."""
    headers = [f"X-Envelope-From: {envelope.sender}"]
    headers += [f"X-Envelope-To: {each}" for each in envelope.recipients]
    return "".join(f"{line}\r\n" for line in headers).encode() + bytes(envelope)


@cache
def transport_for(url: str) -> Transport:
    """Returns the transport that a URL names; raises ConfigurationError."""
    scheme, _, rest = url.partition("://")
    match scheme:
        case "smtp" | "smtps":
            return Smtp.of(url)
        case "file" if rest:
            return FolderTransport(Path(rest).expanduser())
        case "memory" if not rest:
            return MemoryTransport()
        case "console" if not rest:
            return ConsoleTransport()
    raise ConfigurationError(
        "BUOY_MAIL_URL: expected smtp://HOST, smtps://HOST, file://DIR, memory:// or console://, "
        f"got {masked_url(url)!r}"
    )
