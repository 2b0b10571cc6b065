"""A mail may take several rounds: who has it, who is refused for good, who is still to get it."""

from dataclasses import dataclass, replace
from smtplib import SMTPRecipientsRefused
from typing import Any, Self

from buoy.process.logs import logger

from .compose import Envelope
from .smtp import Refusals
from .transport import Transport

LOG = "buoy.mailer"
FOR_GOOD = 500
"""From this reply code on, a server means never; below, not now."""


@dataclass(slots=True)
class Rounds:
    """What the rounds so far have come to; kept with the job from attempt to attempt."""

    reached: list[str]
    refused: Refusals

    @classmethod
    def of(cls, carried: dict[str, Any], attempt: int) -> Self:
        """What an attempt begins with. A first one, as an operator's retry is, tries those again
        that were refused for good: somebody may have mended the cause."""
        told = carried.get("refused", {}) if attempt > 1 else {}
        refused = {each: (code, text.encode()) for each, (code, text) in told.items()}
        return cls(list(carried.get("reached", [])), refused)

    def carried(self) -> dict[str, Any]:
        """The same as plain JSON, without what is empty."""
        refused = {
            each: [code, text.decode(errors="replace")]
            for each, (code, text) in self.refused.items()
        }
        told = {"reached": self.reached, "refused": refused}
        return {name: value for name, value in told.items() if value}

    def go(self, envelope: Envelope, transport: Transport) -> None:
        """Send to all that are left. Raises SMTPRecipientsRefused with those that may get it
        later; if there are none, with those that never will."""
        done = {*self.reached, *self.refused}
        left = [each for each in envelope.recipients if each not in done]
        refusals = self.sent(replace(envelope, recipients=left), transport) if left else {}
        later = {each: reply for each, reply in refusals.items() if reply[0] < FOR_GOOD}
        never = {each: reply for each, reply in refusals.items() if each not in later}
        for each, (code, text) in never.items():
            logger(LOG).warning("%s: %s is refused: %d %r", envelope.id, each, code, text)
        self.refused |= never
        if later:
            raise SMTPRecipientsRefused(later) from self.complaint()
        if self.refused:
            raise SMTPRecipientsRefused(self.refused)

    def sent(self, envelope: Envelope, transport: Transport) -> Refusals:
        try:
            refusals = transport.send(envelope)
        except SMTPRecipientsRefused as error:  # nobody has got it, though not all are named
            return error.recipients
        self.reached += [each for each in envelope.recipients if each not in refusals]
        return refusals

    def complaint(self) -> SMTPRecipientsRefused | None:
        """Those that are refused for good, to be told beside those that may yet be reached."""
        return SMTPRecipientsRefused(self.refused) if self.refused else None
