"""SMTP_ERRORS, by errors that smtplib raises at real servers."""

import smtplib
import socket
import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from buoy_retry import SMTP_ERRORS

AUTH = "250-me\r\n250 AUTH PLAIN"


@contextmanager
def server(answers: dict[str, str], greeting: str = "220 ready") -> Iterator[int]:
    """Speaks SMTP: ``answers`` by the beginning of what it hears, where it is not 250; the answer
    "" cuts the connection, "wait" lets the client wait."""

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say(greeting)
            in_mail = False
            for line in self.rfile:
                word = line.decode().strip().upper()
                if in_mail and word != ".":
                    continue
                usual = {"DATA": "354 go on", "QUIT": "221 bye"}.get(word, "250 fine")
                answer = next((answers[at] for at in answers if word.startswith(at)), usual)
                if answer == "":
                    return
                if answer != "wait":
                    self.say(answer)
                in_mail = answer == "354 go on"

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as serving:
        thread = Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving.server_address[1]
        serving.shutdown()
        thread.join()


def send(port: int, timeout: float = 60.0) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=timeout) as smtp:
        smtp.ehlo_or_helo_if_needed()
        if "auth" in smtp.esmtp_features:
            smtp.login("ann", "secret")
        smtp.sendmail("ann@example.com", ["bob@example.com", "cy@example.com"], "Subject: hi\n\nhi")


def raised(call: Callable[[], None]) -> Exception:
    try:
        call()
    except Exception as error:  # noqa: BLE001
        return error
    raise AssertionError("the mail was sent")


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"MAIL": "451 try later"}, smtplib.SMTPSenderRefused),
        ({"RCPT": "450 mailbox busy"}, smtplib.SMTPRecipientsRefused),
        (
            {"RCPT TO:<BOB": "550 unknown", "RCPT TO:<CY": "450 mailbox busy"},
            smtplib.SMTPRecipientsRefused,
        ),
        ({"DATA": "421 closing"}, smtplib.SMTPDataError),
        ({".": "452 no room"}, smtplib.SMTPDataError),
        ({"DATA": ""}, smtplib.SMTPServerDisconnected),
        ({".": "wait"}, smtplib.SMTPServerDisconnected),
        (
            {"EHLO": AUTH, "AUTH": "454 not now"},
            smtplib.SMTPAuthenticationError,
        ),
    ],
)
def test_codes_4xx_are_temporary(answers: dict[str, str], kind: type[Exception]) -> None:
    timeout = 0.3 if "wait" in answers.values() else 60.0
    with server(answers) as port:
        error = raised(lambda: send(port, timeout))

    assert isinstance(error, kind)
    assert SMTP_ERRORS.holds(error), repr(error)


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"MAIL": "553 no such sender"}, smtplib.SMTPSenderRefused),
        ({"RCPT": "550 unknown"}, smtplib.SMTPRecipientsRefused),
        ({".": "554 looks like spam"}, smtplib.SMTPDataError),
        (
            {"EHLO": AUTH, "AUTH": "535 wrong"},
            smtplib.SMTPAuthenticationError,
        ),
    ],
)
def test_codes_5xx_are_not_temporary(answers: dict[str, str], kind: type[Exception]) -> None:
    with server(answers) as port:
        error = raised(lambda: send(port))

    assert isinstance(error, kind)
    assert not SMTP_ERRORS.holds(error), repr(error)


@pytest.mark.parametrize(("greeting", "temporary"), [("421 busy", True), ("554 not you", False)])
def test_the_code_of_the_greeting_counts(greeting: str, temporary: bool) -> None:
    with server({}, greeting) as port:
        error = raised(lambda: send(port))

    assert isinstance(error, smtplib.SMTPConnectError)
    assert SMTP_ERRORS.holds(error) is temporary


def test_a_refused_connection_is_temporary() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = raised(lambda: send(unused.getsockname()[1]))

    assert SMTP_ERRORS.holds(error)


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPNotSupportedError("no SMTPUTF8"),
        smtplib.SMTPRecipientsRefused({}),
        ValueError("no"),
        OSError(2, "no such file"),
    ],
)
def test_other_errors_are_not_smtp_errors(error: Exception) -> None:
    assert not SMTP_ERRORS.holds(error)
