"""Sends a mail to several recipients over several attempts of its job, to each one once."""

from dataclasses import dataclass, replace
from smtplib import SMTPRecipientsRefused
from typing import Any, Self

from buoy.plugins import Log

from .compose import Envelope
from .smtp import Refusals
from .transport import Transport

log = Log("buoy.mailer")
PERMANENT = 500
"""SMTP reply codes from this one on refuse for ever (5xx); lower ones refuse for now (4xx)."""


@dataclass(slots=True)
class RecipientProgress:
    """Which recipients the attempts so far have reached, and which were refused for ever. The job
    carries it from attempt to attempt."""

    reached: list[str]
    refused: Refusals

    @classmethod
    def from_json(cls, stored: dict[str, Any], attempt: int) -> Self:
        """Returns the progress with which an attempt begins.

        A first attempt tries refused recipients again: it may be an operator's retry, and the
        cause may be mended.
        """
        replies = stored.get("refused", {}) if attempt > 1 else {}
        refused = {each: (code, text.encode()) for each, (code, text) in replies.items()}
        return cls(list(stored.get("reached", [])), refused)

    def to_json(self) -> dict[str, Any]:
        """Returns what ``from_json`` reads, without empty fields."""
        refused = {
            each: [code, text.decode(errors="replace")]
            for each, (code, text) in self.refused.items()
        }
        fields = {"reached": self.reached, "refused": refused}
        return {name: value for name, value in fields.items() if value}

    def send_remaining(self, envelope: Envelope, transport: Transport) -> None:
        """Send the mail to the recipients that were neither reached nor refused for ever.

        Raises SMTPRecipientsRefused with the recipients that were refused for now; if there are
        none, with those that are refused for ever.
        """
        finished = {*self.reached, *self.refused}
        remaining = [each for each in envelope.recipients if each not in finished]
        refusals = (
            self.send(replace(envelope, recipients=remaining), transport) if remaining else {}
        )
        temporary = {each: reply for each, reply in refusals.items() if reply[0] < PERMANENT}
        permanent = {each: reply for each, reply in refusals.items() if each not in temporary}
        for each, (code, text) in permanent.items():
            log.warning("%s: recipient %s is refused: %d %r", envelope.id, each, code, text)
        self.refused |= permanent
        if temporary:
            raise SMTPRecipientsRefused(temporary) from self.permanent_refusals()
        if self.refused:
            raise SMTPRecipientsRefused(self.refused)

    def send(self, envelope: Envelope, transport: Transport) -> Refusals:
        """Send the mail to all its recipients, and note which were reached; returns the others."""
        try:
            refusals = transport.send(envelope)
        except SMTPRecipientsRefused as error:  # nobody was reached
            return error.recipients
        self.reached += [each for each in envelope.recipients if each not in refusals]
        return refusals

    def permanent_refusals(self) -> SMTPRecipientsRefused | None:
        """Returns the cause that is shown beside an error about recipients refused for now."""
        return SMTPRecipientsRefused(self.refused) if self.refused else None
