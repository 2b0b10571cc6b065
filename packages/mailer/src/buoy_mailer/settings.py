"""What the environment says, where a mailer does not say it itself."""

import os

from buoy.model.checks import switched


def mail_url(given: str | None = None) -> str:
    """Where mails go: what is given, else ``BUOY_MAIL_URL``, else the server of this machine."""
    return given or os.environ.get("BUOY_MAIL_URL") or "smtp://localhost"


def perform_deliveries(given: bool | None = None) -> bool:
    """Whether mails go out at all: what is given, else ``BUOY_MAIL_DELIVERIES``."""
    if given is not None:
        return given
    return switched("BUOY_MAIL_DELIVERIES", os.environ.get("BUOY_MAIL_DELIVERIES") or "1")


def environment() -> str:
    """The name of the environment that this is, ``BUOY_ENV``."""
    return os.environ.get("BUOY_ENV", "")
