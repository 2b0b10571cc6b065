"""Mail servers: one connection is kept while mails follow each other."""

import os
import smtplib
import ssl
import threading
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, unquote

from buoy import ConfigurationError
from buoy.text.urls import SPECIAL, OddUrl, masked, split

from .compose import Envelope

Refusals = dict[str, tuple[int, bytes]]
"""Recipients that were refused, with the server's words."""

OPTIONS = {"starttls", "timeout", "keep", "cafile"}


@dataclass(slots=True, weakref_slot=True)
class Connection:
    """A connection, the process that has opened it, and when it was last used."""

    client: smtplib.SMTP
    process: int
    used_at: float

    def __post_init__(self) -> None:
        # Threads end, and leave theirs behind.
        weakref.finalize(self, self.client.close)

    def usable(self, keep: float) -> bool:
        """Whether the server still listens. A forked child leaves its parent's alone."""
        if self.process != os.getpid() or time.monotonic() - self.used_at > keep:
            return False
        try:
            return self.client.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False


class Kept(threading.local):
    """The connection of each thread: smtplib's are not to be shared."""

    connection: Connection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Smtp:
    """``smtp://`` and ``smtps://``. Times are in seconds."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: bool
    starttls: bool
    timeout: float
    keep: float
    cafile: str | None
    kept: Kept = field(default_factory=Kept, repr=False, compare=False)

    @classmethod
    def of(cls, url: str) -> Self:
        """What a URL says; raises ConfigurationError."""
        try:
            return cls(**read(url))
        except ValueError as error:
            raise ConfigurationError(
                "BUOY_MAIL_URL: expected smtp://[USER:PASSWORD@]HOST[:PORT], with none but "
                f"?starttls=0|1, timeout, keep (seconds) and cafile behind it, got {masked(url)!r} "
                f"({error if isinstance(error, OddUrl) else SPECIAL})"
            ) from None

    def send(self, envelope: Envelope) -> Refusals:
        """See Transport. After any error the connection is not used again."""
        kept = self.usable()
        if kept is not None:
            # A server may be tired of a connection; then it has taken nothing over it yet.
            with suppress(smtplib.SMTPSenderRefused):
                return self.send_over(kept, envelope)
        return self.send_over(Connection(self.opened(), os.getpid(), 0.0), envelope)

    def usable(self) -> Connection | None:
        """The kept connection, taken, if the server still listens."""
        kept, self.kept.connection = self.kept.connection, None
        if kept is None or kept.usable(self.keep):
            return kept
        kept.client.close()
        return None

    def send_over(self, connection: Connection, envelope: Envelope) -> Refusals:
        try:
            refusals = hand_over(connection.client, envelope)
        except BaseException:
            connection.client.close()
            raise
        if self.keep:
            connection.used_at = time.monotonic()
            self.kept.connection = connection
        else:
            leave(connection.client)
        return refusals

    def opened(self) -> smtplib.SMTP:
        client = self.connected()
        try:
            if self.starttls:
                client.starttls(context=self.context())
            if self.user:
                client.login(self.user, self.password)
        except BaseException:
            client.close()
            raise
        return client

    def connected(self) -> smtplib.SMTP:
        if self.tls:
            return smtplib.SMTP_SSL(
                self.host, self.port, timeout=self.timeout, context=self.context()
            )
        return smtplib.SMTP(self.host, self.port, timeout=self.timeout)

    def context(self) -> ssl.SSLContext:
        """Certificates are always checked."""
        try:
            return ssl.create_default_context(cafile=self.cafile)
        except OSError as error:  # it names no file, and looks as if the network had failed
            raise ConfigurationError(
                "BUOY_MAIL_URL: cafile: expected a file of certificates (PEM), "
                f"got {self.cafile!r} ({error})"
            ) from None


def hand_over(client: smtplib.SMTP, envelope: Envelope) -> Refusals:
    client.ehlo_or_helo_if_needed()
    if envelope.international and not client.has_extn("smtputf8"):
        raise smtplib.SMTPNotSupportedError(
            "an address that is not ASCII: expected a server with SMTPUTF8, "
            f"got one without it, for {envelope.sender} to {', '.join(envelope.recipients)}"
        )
    options = ("SMTPUTF8", "BODY=8BITMIME") if envelope.international else ()
    return client.sendmail(envelope.sender, envelope.recipients, bytes(envelope), options)


def leave(client: smtplib.SMTP) -> None:
    """Say goodbye; the mail is delivered, whatever the server answers to that."""
    with suppress(OSError, smtplib.SMTPException):
        client.quit()
    client.close()


def read(url: str) -> dict[str, Any]:
    """The fields of Smtp that a URL tells; raises ValueError."""
    parts = split(url)
    told = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    if not parts.hostname or parts.path.strip("/") or parts.fragment:
        raise OddUrl("a host is needed, and no path")
    if set(told) - OPTIONS:
        raise OddUrl("there is no such option behind ?")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise OddUrl("user and password are needed together")
    if not (user + password).isascii():
        raise OddUrl("user and password are ASCII, smtplib sends no others")
    tls = parts.scheme == "smtps"
    starttls = not tls and switched(told.get("starttls"), bool(password))
    return {
        "host": parts.hostname,
        "port": parts.port or (465 if tls else 587 if starttls else 25),
        "user": user,
        "password": password,
        "tls": tls,
        "starttls": starttls,
        "timeout": seconds(told.get("timeout", "30"), 0.001),
        "keep": seconds(told.get("keep", "30"), 0.0),
        "cafile": told.get("cafile"),
    }


def switched(text: str | None, default: bool) -> bool:
    if text not in (None, "0", "1"):
        raise OddUrl("starttls is 0 or 1")
    return default if text is None else text == "1"


def seconds(text: str, least: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not least <= number < 10**6:
        raise OddUrl("timeout and keep are seconds")
    return number
