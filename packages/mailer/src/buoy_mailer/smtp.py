"""Sends mails to a mail server. Each thread keeps one connection open between its mails."""

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
from buoy.plugins.text import OddUrl, masked_url, split_url

from .compose import Envelope

Refusals = dict[str, tuple[int, bytes]]
"""Recipients that were refused, each with the code and the text of the server's reply."""

OPTIONS = {"starttls", "timeout", "keep", "cafile"}


@dataclass(slots=True, weakref_slot=True)
class Connection:
    """A connection, the id of the process that opened it, and the time of its last use
    (``time.monotonic()``)."""

    client: smtplib.SMTP
    pid: int
    used_at: float

    def __post_init__(self) -> None:
        # A thread that ends does not close its connection.
        weakref.finalize(self, self.client.close)

    def usable(self, keep: float) -> bool:
        """Whether the connection was used in the last ``keep`` seconds and the server answers. A
        forked child does not use its parent's connection."""
        if self.pid != os.getpid() or time.monotonic() - self.used_at > keep:
            return False
        try:
            return self.client.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False


class ThreadConnection(threading.local):
    """The open connection of each thread: smtplib is not safe for use by several threads."""

    connection: Connection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Smtp:
    """``smtp://`` and ``smtps://``. ``timeout`` is the limit of each answer of the server, ``keep``
    that of an unused connection, in seconds."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: bool
    starttls: bool
    timeout: float
    keep: float
    cafile: str | None
    current: ThreadConnection = field(default_factory=ThreadConnection, repr=False, compare=False)

    @classmethod
    def of(cls, url: str) -> Self:
        """Returns the transport of a URL; raises ConfigurationError."""
        try:
            return cls(**parse_url(url))
        except ValueError as error:
            raise ConfigurationError(
                "BUOY_MAIL_URL: expected smtp://[USER:PASSWORD@]HOST[:PORT], with no options but "
                "?starttls=0|1, timeout, keep (seconds) and cafile, "
                f"got {masked_url(url)!r} "
                f"({error if isinstance(error, OddUrl) else 'it cannot be read'})"
            ) from None

    def send(self, envelope: Envelope) -> Refusals:
        """See Transport.send. After an error the connection is closed."""
        connection = self.take_connection()
        if connection is not None:
            # Some servers limit the mails of a connection. They refuse the sender of the next one,
            # so nothing was sent yet.
            with suppress(smtplib.SMTPSenderRefused):
                return self.send_over(connection, envelope)
        return self.send_over(Connection(self.open_client(), os.getpid(), 0.0), envelope)

    def take_connection(self) -> Connection | None:
        """Returns this thread's connection if it is usable, else None; forgets it either way."""
        connection, self.current.connection = self.current.connection, None
        if connection is None or connection.usable(self.keep):
            return connection
        connection.client.close()
        return None

    def send_over(self, connection: Connection, envelope: Envelope) -> Refusals:
        """Send the mail, then keep or close the connection."""
        try:
            refusals = send_message(connection.client, envelope)
        except BaseException:
            connection.client.close()
            raise
        if self.keep:
            connection.used_at = time.monotonic()
            self.current.connection = connection
        else:
            quit_session(connection.client)
        return refusals

    def open_client(self) -> smtplib.SMTP:
        """Returns a client that is connected, encrypted and logged in as the URL says."""
        client = self.connect()
        try:
            if self.starttls:
                client.starttls(context=self.context())
            if self.user:
                client.login(self.user, self.password)
        except BaseException:
            client.close()
            raise
        return client

    def connect(self) -> smtplib.SMTP:
        if self.tls:
            return smtplib.SMTP_SSL(
                self.host, self.port, timeout=self.timeout, context=self.context()
            )
        return smtplib.SMTP(self.host, self.port, timeout=self.timeout)

    def context(self) -> ssl.SSLContext:
        """Returns a context that checks certificates; raises ConfigurationError."""
        try:
            return ssl.create_default_context(cafile=self.cafile)
        except (
            OSError
        ) as error:  # it does not name the file, and looks like an error of the network
            raise ConfigurationError(
                "BUOY_MAIL_URL: cafile: expected a file of certificates (PEM), "
                f"got {self.cafile!r} ({error})"
            ) from None


def send_message(client: smtplib.SMTP, envelope: Envelope) -> Refusals:
    """Send one mail. Raises SMTPNotSupportedError if the server cannot send to its addresses."""
    client.ehlo_or_helo_if_needed()
    if envelope.international and not client.has_extn("smtputf8"):
        raise smtplib.SMTPNotSupportedError(
            "an address is not ASCII: expected a server with SMTPUTF8, "
            f"got a server without it, for {envelope.sender} to {', '.join(envelope.recipients)}"
        )
    options = ("SMTPUTF8", "BODY=8BITMIME") if envelope.international else ()
    return client.sendmail(envelope.sender, envelope.recipients, bytes(envelope), options)


def quit_session(client: smtplib.SMTP) -> None:
    """End the session. The mail is sent already, so errors do not matter."""
    with suppress(OSError, smtplib.SMTPException):
        client.quit()
    client.close()


def parse_url(url: str) -> dict[str, Any]:
    """Returns the fields of Smtp; raises ValueError."""
    parts = split_url(url)
    options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    if not parts.hostname or parts.path.strip("/") or parts.fragment:
        raise OddUrl("a host is needed, and no path")
    if set(options) - OPTIONS:
        raise OddUrl("the options are starttls, timeout, keep and cafile")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise OddUrl("user and password are needed together")
    if not (user + password).isascii():
        raise OddUrl("user and password must be ASCII, for smtplib")
    tls = parts.scheme == "smtps"
    starttls = not tls and parse_switch(options.get("starttls"), bool(password))
    return {
        "host": parts.hostname,
        "port": parts.port or (465 if tls else 587 if starttls else 25),
        "user": user,
        "password": password,
        "tls": tls,
        "starttls": starttls,
        "timeout": parse_seconds(options.get("timeout", "30"), 0.001),
        "keep": parse_seconds(options.get("keep", "30"), 0.0),
        "cafile": options.get("cafile"),
    }


def parse_switch(text: str | None, default: bool) -> bool:
    if text not in (None, "0", "1"):
        raise OddUrl("starttls is 0 or 1")
    return default if text is None else text == "1"


def parse_seconds(text: str, minimum: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not minimum <= number < 10**6:
        raise OddUrl("timeout and keep are seconds")
    return number
