"""SMTP_ERRORS: what may go well the next time, when mail is sent by smtplib."""

from .groups import Group, loaded
from .network import is_network_error


def is_temporary(error: BaseException) -> bool:
    """Whether the server was busy (4xx) or lost, and has not refused for good (5xx)."""
    if isinstance(error, loaded("smtplib.SMTPRecipientsRefused")):
        # All of them were refused, so the mail went to nobody, and may go to some the next time.
        return any(is_busy(code) for code, _ in getattr(error, "recipients", {}).values())
    if isinstance(error, loaded("smtplib.SMTPResponseException")):
        return is_busy(getattr(error, "smtp_code", None))
    return isinstance(error, loaded("smtplib.SMTPServerDisconnected")) or is_network_error(error)


def is_busy(code: object) -> bool:
    return isinstance(code, int) and 400 <= code < 500


SMTP_ERRORS = Group("SMTP_ERRORS", is_temporary)
