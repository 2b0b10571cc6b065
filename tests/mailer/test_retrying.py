"""Mailers with a plugin that retries: which errors, and which recipients get the mail again."""

import smtplib
from typing import Any

import pytest
from click.testing import CliRunner

from buoy import App
from buoy.cli import main
from buoy.operations.views import JobView
from buoy.testing import Clock, drain
from buoy_mailer import Mail, Mailer, mail
from tests.support.smtp import MailServer

from .retry_plugin import RetryTemporary

EVERYBODY = ["ann@example.com", "bob@example.com", "cy@example.com"]


class ShopMailer(Mailer):
    sender = "shop@example.com"
    plugins = [RetryTemporary(limit=3)]


class UserMailer(ShopMailer):
    to = EVERYBODY

    @mail
    def news(self) -> Mail:
        return Mail(to=self.to[0], cc=self.to[1], bcc=self.to[2:], subject="News", text="")


@pytest.fixture(autouse=True)
def mail_url(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUOY_MAIL_URL", server.url)
    monkeypatch.setattr(UserMailer, "to", EVERYBODY)


def failed(app: App) -> JobView:
    [view] = app.monitor.failed()
    return view


def retry(app: App) -> None:
    assert CliRunner().invoke(main, ["failed", "retry", "--all"]).exit_code == 0


@pytest.mark.parametrize(
    ("fault", "reply"),
    [
        ("greet", "421 too busy"),
        ("at_mail", "421 too busy"),
        ("at_mail", "451 try later"),
        ("at_data", "451 try later"),
        ("at_data", "cut before"),
    ],
)
def test_a_temporary_error_is_retried(
    buoy_app: App, buoy_clock: Clock, server: MailServer, fault: str, reply: str
) -> None:
    setattr(server, fault, [reply, reply])
    handle = UserMailer.news().deliver()

    assert drain(buoy_app) == {"delayed": 1}
    [waiting] = buoy_app.monitor.delayed("mail")
    assert waiting.plugin_data == {}
    for outcome in ("delayed", "done"):
        buoy_clock.advance(61)
        assert drain(buoy_app) == {outcome: 1}

    [got] = server.received
    assert got.recipients == EVERYBODY
    assert got.message["Message-ID"] == f"<{handle.id}@example.com>"
    assert buoy_app.monitor.queues()[0].failed == 0


def test_a_permanent_error_fails_the_job(buoy_app: App, server: MailServer) -> None:
    server.at_data = ["554 spam"]
    UserMailer.news().deliver()

    assert drain(buoy_app) == {"failed": 1}
    assert failed(buoy_app).failure["message"] == "(554, b'spam')"


def test_all_attempts_of_a_mail_have_one_message_id(
    buoy_app: App, buoy_clock: Clock, server: MailServer
) -> None:
    server.at_data = ["cut after"]
    UserMailer.news().deliver()

    assert drain(buoy_app) == {"delayed": 1}
    buoy_clock.advance(61)
    assert drain(buoy_app) == {"done": 1}

    first, second = server.received
    assert first.message["Message-ID"] == second.message["Message-ID"]


def test_a_retry_sends_only_to_recipients_refused_for_now(
    buoy_app: App, buoy_clock: Clock, server: MailServer
) -> None:
    server.refuse = {"bob@example.com": "450 greylisted", "cy@example.com": "452 too many"}
    UserMailer.news().deliver()

    assert drain(buoy_app) == {"delayed": 1}
    [waiting] = buoy_app.monitor.delayed("mail")
    assert waiting.plugin_data["mailer"] == {"reached": ["ann@example.com"]}

    server.refuse = {"cy@example.com": "452 too many"}
    buoy_clock.advance(61)
    assert drain(buoy_app) == {"delayed": 1}
    server.refuse = {}
    buoy_clock.advance(61)
    assert drain(buoy_app) == {"done": 1}

    assert [got.recipients for got in server.received] == [[each] for each in EVERYBODY]
    assert len({got.message["Message-ID"] for got in server.received}) == 1
    assert {got.message["To"] for got in server.received} == {"ann@example.com"}


def test_a_recipient_refused_for_ever_is_not_retried_and_fails_the_job(
    buoy_app: App, buoy_clock: Clock, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.refuse = {"bob@example.com": "450 greylisted", "cy@example.com": "550 unknown"}
    handle = UserMailer.news().deliver()

    assert drain(buoy_app) == {"delayed": 1}
    assert f"{handle.id}: recipient cy@example.com is refused: 550 b'unknown'" in caplog.messages
    server.refuse = {}
    buoy_clock.advance(61)
    assert drain(buoy_app) == {"failed": 1}

    view = failed(buoy_app)
    assert view.failure["error"] == "smtplib.SMTPRecipientsRefused"
    assert view.failure["message"] == "{'cy@example.com': (550, b'unknown')}"
    assert [got.recipients for got in server.received] == [["ann@example.com"], ["bob@example.com"]]


def test_an_operators_retry_sends_to_all_recipients_not_yet_reached(
    buoy_app: App, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.refuse = {"cy@example.com": "550 unknown"}
    UserMailer.news().deliver()
    assert drain(buoy_app) == {"failed": 1}

    retry(buoy_app)
    assert drain(buoy_app) == {"failed": 1}
    monkeypatch.setattr(UserMailer, "to", [*EVERYBODY[:2], "cy@example.org"])  # it was misspelt
    retry(buoy_app)
    assert drain(buoy_app) == {"done": 1}

    assert [got.recipients for got in server.received] == [EVERYBODY[:2], ["cy@example.org"]]


def test_after_the_last_retry_the_error_names_both_kinds_of_refusals(
    buoy_app: App, buoy_clock: Clock, server: MailServer
) -> None:
    server.refuse = {"bob@example.com": "450 greylisted", "cy@example.com": "550 unknown"}
    UserMailer.news().deliver()
    for outcome in ("delayed", "delayed", "delayed", "failed"):
        assert drain(buoy_app) == {outcome: 1}
        buoy_clock.advance(61)

    record = failed(buoy_app).failure
    assert record["message"] == "{'bob@example.com': (450, b'greylisted')}"
    assert "{'cy@example.com': (550, b'unknown')}" in record["traceback"]
    server.refuse = {}
    retry(buoy_app)
    assert drain(buoy_app) == {"done": 1}
    assert [got.recipients for got in server.received] == [
        ["ann@example.com"],
        ["bob@example.com", "cy@example.com"],
    ]


@pytest.mark.parametrize(("code", "outcome"), [("450", "delayed"), ("550", "failed")])
def test_a_mail_that_all_recipients_refuse_is_retried_or_fails(
    buoy_app: App, server: MailServer, code: str, outcome: str
) -> None:
    server.refuse = dict.fromkeys(EVERYBODY, f"{code} no")
    UserMailer.news().deliver()

    assert drain(buoy_app) == {outcome: 1}
    assert server.received == []


def test_a_server_that_disconnects_between_recipients(
    buoy_app: App, buoy_clock: Clock, server: MailServer
) -> None:
    server.refuse = {"bob@example.com": "421 going down"}
    UserMailer.news().deliver()
    assert drain(buoy_app) == {"delayed": 1}

    server.refuse = {}
    buoy_clock.advance(61)
    assert drain(buoy_app) == {"done": 1}
    assert [got.recipients for got in server.received] == [EVERYBODY]


def test_deliver_now_raises_refusals(server: MailServer) -> None:
    server.refuse = {"bob@example.com": "450 greylisted", "cy@example.com": "550 unknown"}

    with pytest.raises(smtplib.SMTPRecipientsRefused) as raised:
        UserMailer.news().deliver_now()

    cause: Any = raised.value.__cause__
    assert list(raised.value.recipients) == ["bob@example.com"]
    assert list(cause.recipients) == ["cy@example.com"]
    assert server.received[0].recipients == ["ann@example.com"]


def test_an_interrupted_operators_retry_still_tries_all_recipients(
    buoy_app: App, buoy_clock: Clock, server: MailServer
) -> None:
    server.refuse = {"cy@example.com": "550 unknown"}
    UserMailer.news().deliver()
    assert drain(buoy_app) == {"failed": 1}

    server.refuse = {}
    server.at_data = ["451 busy"]
    retry(buoy_app)
    assert drain(buoy_app) == {"delayed": 1}
    buoy_clock.advance(61)
    assert drain(buoy_app) == {"done": 1}

    assert [got.recipients for got in server.received] == [EVERYBODY[:2], ["cy@example.com"]]
