"""What a plugin that retries does with errors on the way to a mail server, in few words."""

import smtplib
from dataclasses import dataclass

from buoy import DirtyExit, Job, Later, Plugin, hookimpl


@dataclass(frozen=True)
class Again(Plugin):
    """Tries again what may go well later, so many times."""

    limit: int = 3

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        return Later(60) if job.attempt <= self.limit and passes(error) else None


def passes(error: BaseException) -> bool:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code < 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code < 500
    return isinstance(error, smtplib.SMTPServerDisconnected | OSError | DirtyExit)
