"""``buoy mail failures``: the report of failed jobs for cron and systemd."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from buoy import App, Job
from buoy.cli import main
from buoy.model.entry import Entry
from buoy.model.payload import Payload
from buoy.testing import drain
from buoy_mailer import outbox
from tests.support.smtp import MailServer, no_server

MEMORY = ("--mail-url", "memory://")
OPS = ("--to", "ops@example.com")


class Charge(Job):
    name = "shop.Charge"

    def perform(self, number: int) -> None:
        if number % 2:
            raise TimeoutError(f"no answer\nfor {number}")
        raise KeyError(number)


class Report(Job):
    name = "shop.Report"
    queue = "reports"

    def perform(self) -> None:
        raise ZeroDivisionError


def run(*options: str) -> Result:
    return CliRunner().invoke(main, ["mail", "failures", *OPS, *MEMORY, *options])


def fail(app: App, *numbers: int) -> None:
    for number in numbers:
        Charge.enqueue(number)
    drain(app)


def test_without_failed_jobs_nothing_is_mailed(buoy_app: App) -> None:
    for options in ([], ["--since-last"]):
        result = run(*options)
        assert (result.exit_code, result.output, outbox) == (0, "", [])


def test_the_counts_are_mailed_and_the_exit_status_is_1(buoy_app: App) -> None:
    fail(buoy_app, 1, 3, 4)
    Report.enqueue()
    drain(buoy_app)

    result = run("--from", "alarm@example.com")

    assert result.exit_code == 1
    assert result.output == "4 failed jobs; mailed to ops@example.com\n"
    [sent] = outbox
    assert (sent.sender, sent.recipients) == ("alarm@example.com", ["ops@example.com"])
    assert sent.message["Subject"] == "[buoy] 4 failed jobs"
    assert sent.message["Auto-Submitted"] == "auto-generated"
    lines = sent.message.get_content().replace("\r\n", "\n").splitlines()
    assert lines[0].startswith("4 failed jobs, namespace 'buoy', reported by ")
    assert lines[2:7] == [
        "     new    all  class        error",
        "       2      2  shop.Charge  TimeoutError",
        "       1      1  shop.Charge  KeyError",
        "       1      1  shop.Report  ZeroDivisionError",
        "",
    ]
    assert lines[7].startswith("The last one: shop.Report ")
    assert " in reports, 20" in lines[7]
    assert lines[8:] == [
        "  ZeroDivisionError: ",
        "",
        "See them:   buoy failed list",
        "Try again:  buoy failed retry --class CLASS",
    ]


def test_since_last_mails_only_when_more_jobs_have_failed(buoy_app: App) -> None:
    fail(buoy_app, 1)
    assert run("--since-last").exit_code == 1
    assert run("--since-last").exit_code == 0

    fail(buoy_app, 2, 3)
    result = run("--since-last")

    assert result.exit_code == 1
    assert result.output == "2 new failed jobs, 3 in all; mailed to ops@example.com\n"
    assert [sent.message["Subject"] for sent in outbox] == [
        "[buoy] 1 failed job",
        "[buoy] 2 new failed jobs, 3 in all",
    ]
    assert run("--since-last").exit_code == 0
    assert run().exit_code == 1  # it asks for all


def test_since_last_reports_a_failure_in_the_same_millisecond(buoy_app: App) -> None:
    fail(buoy_app, 1)
    run("--since-last")
    key = buoy_app.broker.keys.part("default", "failed")
    [_, at] = buoy_app.command("ZRANGE", key, 0, -1, "WITHSCORES")
    fail(buoy_app, 2)
    [new] = [view.id for view in buoy_app.monitor.failed() if view.args == [2]]
    buoy_app.command("ZADD", key, at, new)

    assert run("--since-last").output.startswith("1 new failed job, 2 in all")
    assert run("--since-last").exit_code == 0


def test_since_last_reports_a_job_that_was_retried_and_failed_again(buoy_app: App) -> None:
    fail(buoy_app, 1)
    run("--since-last")
    assert CliRunner().invoke(main, ["failed", "retry", "--all"]).exit_code == 0
    drain(buoy_app)

    assert run("--since-last").exit_code == 1


def test_since_last_reports_new_failures_after_old_ones_were_removed(buoy_app: App) -> None:
    fail(buoy_app, 1, 3)
    run("--since-last")
    CliRunner().invoke(main, ["failed", "remove", "--all", "--yes"])
    assert run("--since-last").exit_code == 0
    fail(buoy_app, 2)

    assert run("--since-last").output.startswith("1 failed job;")


def test_each_set_of_recipients_and_queues_has_its_own_marks(buoy_app: App) -> None:
    fail(buoy_app, 1)
    assert run("--since-last").exit_code == 1
    assert run("--since-last", "--to", "boss@example.com").exit_code == 1
    assert run("--since-last", "--queue", "reports").exit_code == 0
    assert run("--since-last").exit_code == 0

    assert outbox[1].recipients == ["ops@example.com", "boss@example.com"]
    kept = buoy_app.command("HKEYS", buoy_app.global_key("mailer", "failures-reported"))
    assert set(kept) == {b"ops@example.com ", b"ops@example.com,boss@example.com "}


def test_an_unreadable_mark_counts_as_none(buoy_app: App) -> None:
    fail(buoy_app, 1)
    key = buoy_app.global_key("mailer", "failures-reported")
    buoy_app.command("HSET", key, "ops@example.com ", "{")

    assert run("--since-last").exit_code == 1


def test_a_report_that_could_not_be_mailed_is_printed_and_sent_next_time(
    buoy_app: App, server: MailServer
) -> None:
    fail(buoy_app, 1)
    server.at_data = ["451 busy"]

    first = run("--mail-url", server.url, "--since-last")
    second = run("--mail-url", server.url, "--since-last")

    assert first.exit_code == 1
    assert first.output.startswith(
        "Error: not mailed to ops@example.com (SMTPDataError: (451, b'busy')): "
        "1 failed job, namespace 'buoy', reported by "
    )
    assert (second.exit_code, server.subjects) == (1, ["[buoy] 1 failed job"])


def test_a_refused_recipient_is_printed_and_the_other_gets_the_report(
    buoy_app: App, server: MailServer
) -> None:
    fail(buoy_app, 1)
    server.refuse = {"boss@example.com": "550 unknown"}

    result = run("--mail-url", server.url, "--to", "boss@example.com")

    assert result.exit_code == 1
    assert "boss@example.com was refused: 550 unknown\n" in result.output
    assert len(server.received) == 1


def test_an_unreachable_redis_is_mailed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Job, "app", App(f"unix://{tmp_path}/gone.sock"))

    result = run("--since-last")

    assert result.exit_code == 1
    [sent] = outbox
    assert sent.message["Subject"] == "[buoy] the failed jobs cannot be read from Redis"
    assert "gone.sock" in sent.message.get_content()
    assert result.output.endswith("; mailed to ops@example.com\n")


def test_without_redis_and_mail_server_both_errors_are_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Job, "app", App(f"unix://{tmp_path}/gone.sock"))
    with no_server() as url:
        result = run("--mail-url", url)

    assert result.exit_code == 1
    assert result.output.startswith("Error: not mailed to ops@example.com (ConnectionRefusedError:")
    assert "gone.sock" in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "ops"], "--to: expected one address like ann@example.com, got 'ops'"),
        (["--from", "x y"], "--from: expected one address like ann@example.com, got 'x y'"),
        (
            ["--mail-url", "mailto:x"],
            "BUOY_MAIL_URL: expected smtp://HOST, smtps://HOST, file://DIR, memory:// or "
            "console://, got '(hidden)'",
        ),
    ],
)
def test_a_wrong_option_is_an_error_although_no_job_has_failed(
    buoy_app: App, options: list[str], message: str
) -> None:
    result = run(*options)

    assert (result.exit_code, result.output) == (1, f"Error: {message}\n")


def test_url_and_sender_are_read_from_the_environment(
    buoy_app: App, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUOY_MAIL_URL", server.url)
    monkeypatch.setenv("BUOY_MAIL_FROM", "alarm@example.com")
    fail(buoy_app, 1)

    result = CliRunner().invoke(main, ["mail", "failures", *OPS])

    assert result.exit_code == 1
    assert server.received[0].sender == "alarm@example.com"


def test_jobs_that_cannot_be_read_are_counted(buoy_app: App) -> None:
    odd = Payload("no.Such\nClass", [], {}, "odd").encoded()
    for id, payload in (("odd", odd.encode()), ("spoilt", b"{\xff")):
        buoy_app.broker.enqueue("default", [Entry(id, payload)])
    drain(buoy_app)

    assert run("--since-last").exit_code == 1

    text = outbox[0].message.get_content()
    assert "  1      1  (unreadable)   buoy.errors.CorruptPayload" in text
    assert "  1      1  no.Such Class  buoy.errors.UnknownJob" in text
