"""A real mail server that keeps what it gets, and fails when it is told to."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from .tls import CERTIFICATE, KEY

CA = f"cafile={CERTIFICATE}"


@dataclass(frozen=True)
class Received:
    """A mail that the server has taken."""

    sender: str
    recipients: list[str]
    data: bytes
    options: list[str]
    user: str
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        message = message_from_bytes(self.data, policy=default)
        assert isinstance(message, EmailMessage)
        return message

    @property
    def text(self) -> str:
        """The text part, its lines as Python ends them."""
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content()).replace("\r\n", "\n")


@dataclass
class MailServer:
    """Each fault holds for as long as it is set; those in lists are used up, one a mail."""

    tls: bool = False
    starttls: bool = False
    auth: bool = False
    utf8: bool = True
    size: int = 10**7

    received: list[Received] = field(default_factory=list)
    connections: int = 0
    commands: list[str] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    """Recipient → what the server says instead of 250."""
    greet: list[str] = field(default_factory=list)
    at_mail: list[str] = field(default_factory=list)
    at_data: list[str] = field(default_factory=list)
    """What the server says to a mail; ``cut before`` and ``cut after`` cut the connection before
    or after the server has taken it, ``slow`` keeps the client waiting."""

    def __enter__(self) -> Self:
        self.open: list[Server] = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self.listen(), self.loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.close(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.close()

    async def listen(self) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE, KEY)
        options: dict[str, Any] = {"enable_SMTPUTF8": self.utf8, "data_size_limit": self.size}
        if self.starttls:
            options |= {"tls_context": context, "require_starttls": True}
        if self.auth:
            options |= {"authenticator": self.authenticate, "auth_required": True}
            options |= {"auth_require_tls": self.starttls}
        self.listener = await self.loop.create_server(
            lambda: Server(self, options), "127.0.0.1", 0, ssl=context if self.tls else None
        )
        port: int = self.listener.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        self.listener.close()
        self.cut()
        await self.listener.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def cut(self) -> None:
        for each in self.open:
            each.abort()

    def kick(self) -> None:
        """Cut all connections, as an idle timeout of the server does."""
        self.loop.call_soon_threadsafe(self.cut)

    @property
    def url(self) -> str:
        """Without TLS and user; else see ``secure_url``."""
        return f"smtp://127.0.0.1:{self.port}?timeout=120"

    def secure_url(self, *options: str) -> str:
        scheme = "smtps" if self.tls else "smtp"
        user = "shop:p%40ss%3Aw@" if self.auth else ""
        return f"{scheme}://{user}localhost:{self.port}?" + "&".join([CA, "timeout=120", *options])

    @property
    def subjects(self) -> list[str]:
        return [str(each.message["Subject"]) for each in self.received]

    # What aiosmtpd asks

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, answers: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return answers

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.at_mail:
            return self.at_mail.pop(0)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: "Server", session: Session, envelope: Envelope
    ) -> str:
        fault = self.at_data.pop(0) if self.at_data else ""
        if fault == "slow":
            await asyncio.sleep(60)
        elif fault and fault != "cut after":
            return fault
        self.received.append(taken(server, session, envelope))
        if fault == "cut after":
            server.abort()
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        right = (data.login, data.password) == (b"shop", b"p@ss:w")
        return AuthResult(success=right, handled=False, auth_data=data.login.decode())


class Server(SMTP):
    """One connection."""

    def __init__(self, faults: MailServer, options: dict[str, Any]) -> None:
        super().__init__(faults, loop=faults.loop, **options)
        self.faults = faults

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if self not in self.faults.open:  # it is told again when TLS has begun
            self.faults.connections += 1
            self.faults.open.append(self)

    @property
    def encrypted(self) -> bool:
        transport = self.transport
        return transport is not None and transport.get_extra_info("ssl_object") is not None

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]  # each transport of a socket has it

    async def push(self, status: Any) -> None:
        greeting = isinstance(status, str) and status.startswith("220 ") and self.faults.greet
        if greeting and "Ready to start TLS" not in status:
            status = self.faults.greet.pop(0)
        await super().push(status)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if self.faults.at_data[:1] == ["cut before"]:
            self.faults.at_data.pop(0)
            await self.push("354 go on")
            self.abort()
            return
        await super().smtp_DATA(arg)

    async def smtp_NOOP(self, arg: str) -> None:  # noqa: N802
        self.faults.commands.append("NOOP")
        await super().smtp_NOOP(arg)

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802
        self.faults.commands.append("QUIT")
        await super().smtp_QUIT(arg)


@contextmanager
def no_server() -> Iterator[str]:
    """Yields the URL of a mail server that is down. No other process gets its port meanwhile."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"smtp://127.0.0.1:{unused.getsockname()[1]}"


def taken(server: Server, session: Session, envelope: Envelope) -> Received:
    content = envelope.original_content
    assert content is not None
    return Received(
        sender=envelope.mail_from or "",
        recipients=list(envelope.rcpt_tos),
        data=content,
        options=list(envelope.mail_options),
        user=session.auth_data if isinstance(session.auth_data, str) else "",
        encrypted=server.encrypted,
    )
