"""Sending to a mail server, tested against a real one."""

import os
import smtplib
import ssl
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from buoy import ConfigurationError
from buoy_mailer.compose import Envelope, compose
from buoy_mailer.mail_types import Mail
from buoy_mailer.smtp import Smtp
from tests.support.smtp import MailServer, no_server

from .conftest import Servers

NOW = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
ROUND_TRIPS = ["Hello\n", "\n", ".\n", "a\n.\nb\n", "..\n.\n", "a" * 2000 + "\n", "Grüße, 世界\n"]


def envelope(*to: str, subject: str = "Hello", text: str = "Hello\n") -> Envelope:
    mail = Mail(to=to or ("ann@example.com",), subject=subject, text=text)
    return compose(mail, "shop@example.com", "a1", NOW)


class TestDelivery:
    def test_a_mail_arrives_with_sender_recipients_and_content(self, server: MailServer) -> None:
        assert Smtp.of(server.url).send(envelope("ann@example.com", "bob@example.com")) == {}

        [got] = server.received
        assert got.sender == "shop@example.com"
        assert got.recipients == ["ann@example.com", "bob@example.com"]
        assert got.message["Message-ID"] == "<a1@example.com>"
        assert got.message["Date"] == "Sat, 31 Jan 2026 08:00:00 +0000"
        assert got.text == "Hello\n"

    @pytest.mark.parametrize("text", ROUND_TRIPS)
    def test_any_text_arrives_unchanged(self, server: MailServer, text: str) -> None:
        Smtp.of(server.url).send(envelope(text=text))

        [got] = server.received
        assert got.text == text
        assert got.data.isascii()

    @pytest.mark.parametrize("end", ["\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n.\r\n"])
    def test_no_text_can_end_the_mail_and_start_another(self, server: MailServer, end: str) -> None:
        second = (
            "MAIL FROM:<evil@example.com>\r\nRCPT TO:<ann@example.com>\r\nDATA\r\nEvil\r\n.\r\n"
        )

        Smtp.of(server.url).send(envelope(text=f"Hello{end}{second}"))

        assert len(server.received) == 1
        lone = server.received[0].data.replace(b"\r\n", b"")
        assert b"\n" not in lone
        assert b"\r" not in lone


class TestKeeping:
    def test_mails_in_a_row_share_one_connection(self, server: MailServer) -> None:
        smtp = Smtp.of(server.url)

        for number in range(3):
            smtp.send(envelope(subject=str(number)))

        assert (server.connections, server.subjects) == (1, ["0", "1", "2"])
        assert server.commands == ["NOOP", "NOOP"]

    def test_a_connection_that_the_server_closed_is_replaced(self, server: MailServer) -> None:
        smtp = Smtp.of(server.url)
        smtp.send(envelope(subject="first"))

        server.kick()
        smtp.send(envelope(subject="second"))

        assert (server.connections, server.subjects) == (2, ["first", "second"])

    def test_a_connection_idle_for_too_long_is_replaced(self, server: MailServer) -> None:
        smtp = Smtp.of(server.url + "&keep=0.05")
        smtp.send(envelope(subject="first"))
        assert smtp.current.connection is not None

        smtp.current.connection.used_at = time.monotonic() - 0.06
        smtp.send(envelope(subject="second"))

        assert (server.connections, server.subjects) == (2, ["first", "second"])
        assert server.commands == []

    @pytest.mark.parametrize("reply", ["421 too many mails", "451 too many mails"])
    def test_a_connection_on_which_the_server_refuses_the_next_sender_is_replaced(
        self, server: MailServer, reply: str
    ) -> None:
        smtp = Smtp.of(server.url)
        smtp.send(envelope(subject="first"))

        server.at_mail = [reply]
        smtp.send(envelope(subject="second"))

        assert (server.connections, server.subjects) == (2, ["first", "second"])

    def test_with_keep_0_each_connection_ends_with_quit(self, server: MailServer) -> None:
        smtp = Smtp.of(server.url + "&keep=0")

        smtp.send(envelope())
        smtp.send(envelope())

        assert (server.connections, server.commands) == (2, ["QUIT", "QUIT"])

    def test_no_connection_is_kept_after_an_error(self, server: MailServer) -> None:
        smtp = Smtp.of(server.url)
        server.at_data = ["451 try later"]
        with pytest.raises(smtplib.SMTPDataError):
            smtp.send(envelope())

        smtp.send(envelope())

        assert (server.connections, len(server.received)) == (2, 1)

    def test_each_thread_has_its_own_connection(self, server: MailServer) -> None:
        smtp = Smtp.of(server.url)
        smtp.send(envelope())

        thread = threading.Thread(target=smtp.send, args=(envelope(),))
        thread.start()
        thread.join()
        smtp.send(envelope())

        assert (server.connections, len(server.received)) == (2, 3)

    def test_a_forked_child_does_not_use_its_parents_connection(self, server: MailServer) -> None:
        smtp = Smtp.of(server.url)
        smtp.send(envelope(subject="parent"))

        child = os.fork()
        if not child:
            try:
                smtp.send(envelope(subject="child"))
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        smtp.send(envelope(subject="parent again"))

        assert server.connections == 2
        assert server.subjects == ["parent", "child", "parent again"]


class TestErrors:
    """Errors are those of smtplib, so plugins decide what to do about them."""

    @pytest.mark.parametrize(
        ("fault", "reply", "error"),
        [
            ("greet", "421 too busy", smtplib.SMTPConnectError),
            ("at_mail", "451 busy", smtplib.SMTPSenderRefused),
            ("at_mail", "421 busy", smtplib.SMTPSenderRefused),
            ("at_data", "451 busy", smtplib.SMTPDataError),
            ("at_data", "554 spam", smtplib.SMTPDataError),
            ("at_data", "cut before", smtplib.SMTPServerDisconnected),
            ("at_data", "cut after", smtplib.SMTPServerDisconnected),
        ],
    )
    def test_an_error_of_the_server_is_raised(
        self, server: MailServer, fault: str, reply: str, error: type[Exception]
    ) -> None:
        smtp = Smtp.of(server.url)
        setattr(server, fault, [reply])

        with pytest.raises(error) as raised:
            smtp.send(envelope())

        assert len(server.received) == (reply == "cut after")
        if isinstance(raised.value, smtplib.SMTPResponseException):
            assert raised.value.smtp_code == int(reply[:3])
        smtp.send(envelope(subject="after"))
        assert server.subjects[-1] == "after"

    def test_a_slow_server_is_given_up_after_the_timeout(self, server: MailServer) -> None:
        server.at_data = ["slow"]
        smtp = Smtp.of(f"smtp://127.0.0.1:{server.port}?timeout=0.2")

        with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            smtp.send(envelope())

    def test_a_server_that_is_down_raises_connection_refused(self) -> None:
        with no_server() as url, pytest.raises(ConnectionRefusedError):
            Smtp.of(url).send(envelope())

    def test_a_mail_that_is_too_big_for_the_server_is_refused(self, servers: Servers) -> None:
        server = servers(size=1000)

        with pytest.raises(smtplib.SMTPSenderRefused) as raised:
            Smtp.of(server.url).send(envelope(text="x" * 2000))

        assert raised.value.smtp_code == 552

    def test_refused_recipients_are_returned_while_others_get_the_mail(
        self, server: MailServer
    ) -> None:
        server.refuse = {"bob@example.com": "550 unknown", "cy@example.com": "450 greylisted"}

        refusals = Smtp.of(server.url).send(
            envelope("ann@example.com", "bob@example.com", "cy@example.com")
        )

        assert {each: code for each, (code, _) in refusals.items()} == {
            "bob@example.com": 550,
            "cy@example.com": 450,
        }
        assert server.received[0].recipients == ["ann@example.com"]


class TestInternational:
    def test_an_address_that_is_not_ascii_uses_smtputf8(self, server: MailServer) -> None:
        Smtp.of(server.url).send(envelope("ünal@example.org"))

        [got] = server.received
        assert got.recipients == ["ünal@example.org"]
        assert set(got.options) >= {"SMTPUTF8", "BODY=8BITMIME"}
        assert "To: ünal@example.org\r\n".encode() in got.data

    def test_a_server_without_smtputf8_is_an_error(self, servers: Servers) -> None:
        server = servers(utf8=False)

        with pytest.raises(smtplib.SMTPNotSupportedError) as raised:
            Smtp.of(server.url).send(envelope("ünal@example.org", "ann@example.com"))

        assert str(raised.value) == (
            "an address is not ASCII: expected a server with SMTPUTF8, "
            "got a server without it, for shop@example.com to ünal@example.org, ann@example.com"
        )
        assert server.received == []

    def test_an_international_domain_needs_no_smtputf8(self, servers: Servers) -> None:
        server = servers(utf8=False)

        Smtp.of(server.url).send(envelope("ann@straße.de"))

        assert server.received[0].recipients == ["ann@xn--strae-oqa.de"]


class TestTls:
    @pytest.mark.parametrize("encryption", ["tls", "starttls"])
    def test_user_and_password_go_over_an_encrypted_connection(
        self, servers: Servers, encryption: str
    ) -> None:
        options: Any = {encryption: True, "auth": encryption == "starttls"}
        server = servers(**options)

        smtp = Smtp.of(server.secure_url())
        smtp.send(envelope(subject="first"))
        smtp.send(envelope(subject="second"))

        assert server.subjects == ["first", "second"]
        assert all(got.encrypted for got in server.received)
        assert {got.user for got in server.received} == {"shop" if server.auth else ""}
        assert server.connections == 1

    @pytest.mark.parametrize("encryption", ["tls", "starttls"])
    def test_a_certificate_that_is_not_trusted_is_refused(
        self, servers: Servers, encryption: str
    ) -> None:
        options: Any = {encryption: True}
        server = servers(**options)
        scheme = "smtps" if encryption == "tls" else "smtp"
        url = f"{scheme}://localhost:{server.port}" + ("" if encryption == "tls" else "?starttls=1")

        with pytest.raises(ssl.SSLCertVerificationError):
            Smtp.of(url).send(envelope())

    def test_a_server_that_does_not_speak_tls_is_an_error(self, server: MailServer) -> None:
        with pytest.raises(ssl.SSLError):
            Smtp.of(f"smtps://localhost:{server.port}?timeout=60").send(envelope())

    def test_no_password_goes_to_a_server_without_starttls(self, server: MailServer) -> None:
        smtp = Smtp.of(f"smtp://shop:secret@127.0.0.1:{server.port}")

        with pytest.raises(smtplib.SMTPNotSupportedError, match="STARTTLS extension not supported"):
            smtp.send(envelope())

    @pytest.mark.parametrize(
        ("text", "reason"),
        [(None, "[Errno 2] No such file or directory"), ("x", "[X509")],
        ids=["missing", "no certificate"],
    )
    def test_certificates_that_cannot_be_read_are_named(
        self, servers: Servers, tmp_path: Path, text: str | None, reason: str
    ) -> None:
        server = servers(starttls=True)
        path = tmp_path / "trusted.pem"
        if text is not None:
            path.write_text(text)

        with pytest.raises(ConfigurationError) as raised:
            Smtp.of(f"smtp://localhost:{server.port}?starttls=1&cafile={path}").send(envelope())

        assert str(raised.value).startswith(
            "BUOY_MAIL_URL: cafile: expected a file of certificates (PEM), "
            f"got {str(path)!r} ({reason}"
        )

    def test_a_wrong_password(self, servers: Servers) -> None:
        server = servers(starttls=True, auth=True)
        url = server.secure_url().replace("p%40ss%3Aw", "wrong")

        with pytest.raises(smtplib.SMTPAuthenticationError):
            Smtp.of(url).send(envelope())
