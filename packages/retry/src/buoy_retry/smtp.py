"""SMTP_ERRORS: errors of smtplib that a retry may cure."""

from .error_kinds import Group, loaded_classes
from .network import is_network_error


def is_temporary(error: BaseException) -> bool:
    """Whether the server was busy (code 4xx) or lost, and has not refused for good (5xx)."""
    if isinstance(error, loaded_classes("smtplib.SMTPRecipientsRefused")):
        # smtplib raises it only when all recipients are refused: the mail went to nobody.
        return any(is_busy(code) for code, _ in getattr(error, "recipients", {}).values())
    if isinstance(error, loaded_classes("smtplib.SMTPResponseException")):
        return is_busy(getattr(error, "smtp_code", None))
    return isinstance(error, loaded_classes("smtplib.SMTPServerDisconnected")) or is_network_error(
        error
    )


def is_busy(code: object) -> bool:
    """Whether a code of SMTP says that the server refuses only for now."""
    return isinstance(code, int) and 400 <= code < 500


SMTP_ERRORS = Group("SMTP_ERRORS", is_temporary)
