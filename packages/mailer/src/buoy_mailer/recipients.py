"""Sends a mail to several recipients over several attempts of its job, to each one once."""

import json
from dataclasses import dataclass, replace
from smtplib import SMTPRecipientsRefused
from typing import Any, Self

from buoy import Job, SealError
from buoy.plugins import SEALED, Log, encode_json, is_sealed, log_fields, open_text, seal_text

from .compose import Envelope
from .smtp import Refusals
from .transport import Transport

log = Log("buoy.mailer")
NAME = "mailer"
"""The name of this package in ``job.plugin_data``."""
RECIPIENTS = "recipients"
"""What sealed recipients are to those who open them."""
PERMANENT = 500
"""SMTP reply codes from this one on refuse for ever (5xx); lower ones refuse for now (4xx)."""


@dataclass(slots=True)
class RecipientProgress:
    """Which recipients the attempts so far have reached, and which were refused for ever. The job
    carries it from attempt to attempt."""

    reached: list[str]
    refused: Refusals
    hidden: bool = False
    """Whether logs may not show recipients: the arguments of the job are sealed."""

    @classmethod
    def of(cls, job: Job) -> Self:
        """Returns the progress with which a run begins. Raises SealError."""
        stored = job.plugin_data.get(NAME, {})
        if "sealed" in stored:
            try:
                stored = json.loads(open_text(job.name, job.id, stored["sealed"], RECIPIENTS))
            except SealError as error:
                raise SealError(f"{job.name}: recipients: {error}") from None
        progress = cls.from_json(stored, job.attempt)
        progress.hidden = is_sealed(job)
        return progress

    def keep(self, job: Job) -> None:
        """Let the job carry the progress: sealed, if its arguments are."""
        fields = self.to_json()
        kept = sealed_fields(job, fields) if fields and self.hidden else fields
        job.plugin_data.pop(NAME, None)
        if kept:
            job.plugin_data[NAME] = kept

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
        self.log_refusals(envelope.id, permanent)
        self.refused |= permanent
        if temporary:
            raise SMTPRecipientsRefused(temporary) from self.permanent_refusals()
        if self.refused:
            raise SMTPRecipientsRefused(self.refused)

    def log_refusals(self, id: str, refusals: Refusals) -> None:
        """Log who is refused for ever, and why."""
        for each, (code, text) in refusals.items():
            who, why = (SEALED, SEALED) if self.hidden else (each, repr(text))
            log.warning("%s: recipient %s is refused: %d %s", id, who, code, why)

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


def sealed_fields(job: Job, fields: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields that keep these ones, sealed. Without keys nothing is kept: the mail may
    have been sent, so that must not fail its job."""
    try:
        return {"sealed": seal_text(job.name, job.id, encode_json(fields), RECIPIENTS)}
    except SealError as error:
        text = "%r: recipients are not kept, since they cannot be sealed: %s"
        log.warning(text, job, error, extra=log_fields(job))
        return {}
