"""HTTP_ERRORS: what may go well the next time, in calls of other people's HTTP interfaces."""

import re
import time
from collections.abc import Callable
from datetime import UTC
from typing import Any

from .groups import Group, loaded
from .network import is_network_error

TEMPORARY = {408, 425, 429, 500, 502, 503, 504}
"""Statuses by which a server says that it could not, not that it would not."""

HEEDED = 86_400.0
"""Seconds: a server that asks for more is not believed."""

BROKEN_OFF = (
    "http.client.BadStatusLine",
    "http.client.IncompleteRead",
    "httpx.TransportError",
    "requests.ConnectionError",
    "requests.Timeout",
    "requests.exceptions.ChunkedEncodingError",
    "requests.exceptions.RetryError",
)
WRONG = ("httpx.LocalProtocolError", "httpx.UnsupportedProtocol")
"""Of those above, what would go wrong again."""


def is_temporary(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    response = response_of(error)
    if response is not None:
        return status_of(response) in TEMPORARY
    if isinstance(error, loaded("urllib.error.URLError")):
        return is_network_error(getattr(error, "reason", None))
    if isinstance(error, loaded(*WRONG)) or is_distrust(error):
        return False
    return is_network_error(error) or isinstance(error, loaded(*BROKEN_OFF))


HTTP_ERRORS = Group("HTTP_ERRORS", is_temporary)


def is_distrust(error: BaseException | None) -> bool:
    """Whether a certificate was not trusted: libraries tell that only by the cause of an error."""
    for _ in range(10):
        if isinstance(error, loaded("ssl.SSLCertVerificationError")):
            return True
        error = error and (error.__cause__ or error.__context__)
    return False


def response_of(error: object) -> Any:
    """The response that an error of urllib, httpx or requests is about, if it is about one."""
    if isinstance(error, loaded("urllib.error.HTTPError")):
        return error
    if isinstance(error, loaded("httpx.HTTPStatusError", "requests.HTTPError")):
        return getattr(error, "response", None)
    return None


def status_of(response: Any) -> Any:
    names = ("status_code", "code")
    return next((getattr(response, name) for name in names if hasattr(response, name)), None)


def retry_after(answer: Any, clock: Callable[[], float] = time.time) -> float | None:
    """The seconds that the header Retry-After asks for, at most a day; None without one.

    ``answer`` is a response with ``headers``, or an error that holds one.
    """
    response = response_of(answer)
    headers: Any = getattr(answer if response is None else response, "headers", None)
    asked = headers.get("Retry-After") if hasattr(headers, "get") else None
    seconds = in_seconds(asked, clock) if isinstance(asked, str) else None
    return None if seconds is None else min(max(seconds, 0.0), HEEDED)


def in_seconds(asked: str, clock: Callable[[], float]) -> float | None:
    """What a header says, as seconds or as a date; None if it says neither."""
    if re.fullmatch(r"\s*[0-9]{1,18}\s*", asked):
        return float(asked)
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(asked)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - clock()
    except (ValueError, OverflowError):
        return None
