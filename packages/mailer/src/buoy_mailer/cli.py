"""``buoy mail``."""

import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from smtplib import SMTPException
from uuid import uuid4

import click

from buoy import BuoyError, Job
from buoy.cli.output import all_known, say
from buoy.cli.params import QUEUE, TEXT
from buoy.text.printable import indented

from . import settings
from .address import address, addresses
from .alarm import Tally
from .compose import compose
from .store import see, seen
from .transport import transport
from .value import Mail


@click.group()
def mail() -> None:
    """Mails that do not depend on the queue."""


@mail.command()
@click.option(
    "--to", type=TEXT, required=True, multiple=True, help="Who is to know; may be repeated."
)
@click.option(
    "--from", "sender", type=TEXT, envvar="BUOY_MAIL_FROM", help="[default: buoy@ this host]"
)
@click.option(
    "--queue", "queues", type=QUEUE, multiple=True, help="Only of this queue; may be repeated."
)
@click.option("--since-last", is_flag=True, help="Only if there are new ones since the last mail.")
@click.option(
    "--mail-url", type=TEXT, help="The way out.  [env: BUOY_MAIL_URL; default: smtp://localhost]"
)
def failures(
    to: tuple[str, ...],
    sender: str | None,
    queues: tuple[str, ...],
    since_last: bool,
    mail_url: str | None,
) -> None:
    """Mail the counts of failed jobs, for cron and systemd.

    Without a failed job it is silent and ends with 0. Else it mails, here and without the queue,
    and ends with 1; so too when Redis cannot be asked, and when the mail cannot be sent.
    """
    app = Job.app
    alarm = f"{','.join(to)} {','.join(queues)}"
    place = f"namespace {app.settings.namespace!r}, told by {socket.gethostname()}"
    post = Post(to, sender or f"buoy@{socket.gethostname()}", settings.mail_url(mail_url))
    try:
        all_known(queues, [*filter(app.monitor.knows, queues)], "a queue that was used")
        tally = Tally.of(app.monitor.failed(queues or None), seen(app, alarm) if since_last else {})
    except BuoyError as error:
        post.send("Redis cannot be asked for failed jobs", f"{place}:\n\n{indented(str(error))}\n")
        raise click.ClickException(f"{error}; mailed to {', '.join(to)}") from None
    if not tally.new:
        return
    post.send(tally.subject, tally.text(place))
    if since_last:  # only now: what nobody was told of is told again
        see(app, alarm, tally.reached)
    say(f"{tally.subject}; mailed to {', '.join(to)}")
    raise SystemExit(1)


@dataclass(frozen=True, slots=True)
class Post:
    """The way of an alarm. It is checked before there is one to tell."""

    to: tuple[str, ...]
    sender: str
    url: str

    def __post_init__(self) -> None:
        addresses(self.to, "--to")
        address(self.sender, "--from")
        transport(self.url)

    def send(self, subject: str, text: str) -> None:
        """Mail it; what cannot be mailed is at least said here."""
        headers = {"Auto-Submitted": "auto-generated"}
        told = Mail(to=self.to, subject=f"[buoy] {subject}", text=text, headers=headers)
        envelope = compose(told, self.sender, f"failures-{uuid4().hex}", datetime.now(UTC))
        try:
            refusals = transport(self.url).send(envelope)
        except (OSError, SMTPException) as error:
            reason = f"{type(error).__name__}: {error}"
            raise click.ClickException(
                f"not mailed to {', '.join(self.to)} ({reason}): {text}"
            ) from None
        for each, (code, words) in refusals.items():
            say(f"{each} was refused: {code} {words.decode(errors='replace')}", err=True)
