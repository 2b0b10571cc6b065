"""A small plugin that retries temporary errors of sending, as buoy-retry does."""

import smtplib
from dataclasses import dataclass

from buoy import DirtyExit, Job, Later, Plugin, hookimpl


@dataclass(frozen=True)
class RetryTemporary(Plugin):
    """Retries a temporary error ``limit`` times, after 60 seconds each."""

    limit: int = 3

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        return Later(60) if job.attempt <= self.limit and is_temporary(error) else None


def is_temporary(error: BaseException) -> bool:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code < 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code < 500
    return isinstance(error, smtplib.SMTPServerDisconnected | OSError | DirtyExit)
