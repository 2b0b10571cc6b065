"""From a URL to what takes mails: a server, a folder, a list in memory, the console."""

import os
import sys
from functools import cache
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from buoy import ConfigurationError
from buoy.text.printable import one_line
from buoy.text.urls import masked

from .compose import Envelope, local_part
from .smtp import Refusals, Smtp

outbox: list[Envelope] = []
"""What ``memory://`` has taken, in this process: for tests."""


class Transport(Protocol):
    """A way out for mails."""

    def send(self, envelope: Envelope) -> Refusals:
        """Hand a mail over; returns those recipients that were refused while others were not.

        Raises SMTPRecipientsRefused when no one got it, and other errors of smtplib and OSError.
        """


class Memory:
    """``memory://``"""

    def send(self, envelope: Envelope) -> Refusals:
        bytes(envelope)
        outbox.append(envelope)
        return {}


class Console:
    """``console://``"""

    def send(self, envelope: Envelope) -> Refusals:
        lines = shown(envelope).decode(errors="replace").split("\r\n")
        sys.stdout.write("".join(f"{one_line(line)}\n" for line in lines))
        sys.stdout.flush()
        return {}


class Folder:
    """``file://DIR``: one ``.eml`` file for each job, there as a whole or not at all, and to be
    read by its owner alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, envelope: Envelope) -> Refusals:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"{local_part(envelope.id)}.eml"
        fresh = path.with_suffix(f".{uuid4().hex}")
        try:
            with open(fresh, "xb", opener=private) as file:
                file.write(shown(envelope))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        return {}


def private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def shown(envelope: Envelope) -> bytes:
    """A message with its envelope above it, as mail servers show it to each other."""
    top = [f"X-Envelope-From: {envelope.sender}"]
    top += [f"X-Envelope-To: {each}" for each in envelope.recipients]
    return "".join(f"{line}\r\n" for line in top).encode() + bytes(envelope)


@cache
def transport(url: str) -> Transport:
    """The way out that a URL names; raises ConfigurationError."""
    scheme, _, rest = url.partition("://")
    match scheme:
        case "smtp" | "smtps":
            return Smtp.of(url)
        case "file" if rest:
            return Folder(Path(rest).expanduser())
        case "memory" if not rest:
            return Memory()
        case "console" if not rest:
            return Console()
    raise ConfigurationError(
        "BUOY_MAIL_URL: expected smtp://HOST, smtps://HOST, file://DIR, memory:// or console://, "
        f"got {masked(url)!r}"
    )
