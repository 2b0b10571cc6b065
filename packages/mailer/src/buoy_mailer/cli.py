"""The command ``buoy mail``."""

import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from smtplib import SMTPException
from uuid import uuid4

import click

from buoy import BuoyError, Job
from buoy.plugins.commands import QUEUE, TEXT, Group, print_line, report_unknown
from buoy.plugins.text import indented

from . import settings
from .address import parse_address, parse_addresses
from .compose import compose
from .failure_report import FailureReport
from .mail_types import Mail
from .store import load_marks, save_marks
from .transport import transport_for


@click.group(cls=Group)
def mail() -> None:
    """Mail reports. They need no worker and no queue."""


@mail.command()
@click.option("--to", type=TEXT, required=True, multiple=True, help="A recipient; may be repeated.")
@click.option(
    "--from", "sender", type=TEXT, envvar="BUOY_MAIL_FROM", help="[default: buoy@ this host]"
)
@click.option(
    "--queue", "queues", type=QUEUE, multiple=True, help="Only of this queue; may be repeated."
)
@click.option(
    "--since-last", is_flag=True, help="Only if jobs have failed since the last such mail."
)
@click.option(
    "--mail-url",
    type=TEXT,
    help="Where the mail is sent.  [env: BUOY_MAIL_URL; default: smtp://localhost]",
)
def failures(
    to: tuple[str, ...],
    sender: str | None,
    queues: tuple[str, ...],
    since_last: bool,
    mail_url: str | None,
) -> None:
    """Mail the counts of failed jobs, for cron and systemd.

    Without failed jobs it prints nothing and exits with 0. Otherwise it sends a mail, directly and
    not through a queue, and exits with 1. It exits with 1, too, when Redis cannot be reached (the
    mail says so), and when the mail cannot be sent.
    """
    app = Job.app
    report_name = f"{','.join(to)} {','.join(queues)}"
    place = f"namespace {app.settings.namespace!r}, reported by {socket.gethostname()}"
    sender = sender or f"buoy@{socket.gethostname()}"
    outgoing = ReportMail(to, sender, settings.mail_url(mail_url))
    try:
        report_unknown(queues, [*filter(app.monitor.knows, queues)], "a queue that was used")
        marks = load_marks(app, report_name) if since_last else {}
        report = FailureReport.of(app.monitor.failed(queues or None), marks)
    except BuoyError as error:
        subject = "the failed jobs cannot be read from Redis"
        outgoing.send(subject, f"{place}:\n\n{indented(str(error))}\n")
        raise click.ClickException(f"{error}; mailed to {', '.join(to)}") from None
    if not report.new:
        return
    outgoing.send(report.subject, report.text(place))
    if since_last:  # after the mail: if it could not be sent, the next report repeats its jobs
        save_marks(app, report_name, report.new_marks)
    print_line(f"{report.subject}; mailed to {', '.join(to)}")
    raise SystemExit(1)


@dataclass(frozen=True, slots=True)
class ReportMail:
    """Where a report goes. Checked before there is anything to report, so that a wrong option
    shows at once. Raises InvalidMail and ConfigurationError."""

    to: tuple[str, ...]
    sender: str
    url: str

    def __post_init__(self) -> None:
        parse_addresses(self.to, "--to")
        parse_address(self.sender, "--from")
        transport_for(self.url)

    def send(self, subject: str, text: str) -> None:
        """Send the mail. Raises ClickException with the whole text if that fails."""
        headers = {"Auto-Submitted": "auto-generated"}
        report = Mail(to=self.to, subject=f"[buoy] {subject}", text=text, headers=headers)
        envelope = compose(report, self.sender, f"failures-{uuid4().hex}", datetime.now(UTC))
        try:
            refusals = transport_for(self.url).send(envelope)
        except (OSError, SMTPException) as error:
            reason = f"{type(error).__name__}: {error}"
            raise click.ClickException(
                f"not mailed to {', '.join(self.to)} ({reason}): {text}"
            ) from None
        for recipient, (code, reply) in refusals.items():
            answer = reply.decode(errors="replace")
            print_line(f"{recipient} was refused: {code} {answer}", err=True)
