"""Settings from the environment, for what a mailer does not set itself."""

import os

from buoy.plugins import parse_switch


def mail_url(given: str | None = None) -> str:
    """Returns the URL that mails are sent to: the given one, else ``BUOY_MAIL_URL``, else the mail
    server of this machine."""
    return given or os.environ.get("BUOY_MAIL_URL") or "smtp://localhost"


def perform_deliveries(given: bool | None = None) -> bool:
    """Whether mails are sent at all: as given, else as ``BUOY_MAIL_DELIVERIES`` says, else True.
    Raises ConfigurationError."""
    if given is not None:
        return given
    return parse_switch("BUOY_MAIL_DELIVERIES", os.environ.get("BUOY_MAIL_DELIVERIES") or "1")


def environment() -> str:
    """Returns the name of the environment, ``BUOY_ENV``; empty by default."""
    return os.environ.get("BUOY_ENV", "")
