"""HTTP_ERRORS: errors of HTTP requests (urllib, httpx, requests) that a retry may cure."""

import re
import time
from collections.abc import Callable
from datetime import UTC
from typing import Any

from .error_kinds import Group, loaded_classes
from .network import is_network_error

TEMPORARY = {408, 425, 429, 500, 502, 503, 504}
"""Statuses of requests that may succeed later: the server could not answer, but has not refused."""

LONGEST_RETRY_AFTER = 86_400.0
"""Seconds (a day): a longer Retry-After is cut to it."""

CONNECTION_ERRORS = (
    "http.client.BadStatusLine",
    "http.client.IncompleteRead",
    "httpx.TransportError",
    "requests.ConnectionError",
    "requests.Timeout",
    "requests.exceptions.ChunkedEncodingError",
    "requests.exceptions.RetryError",
)
PERMANENT = ("httpx.LocalProtocolError", "httpx.UnsupportedProtocol")
"""Errors of CONNECTION_ERRORS that would come again."""


def is_temporary(error: BaseException) -> bool:
    """Whether the request that failed may succeed later."""
    response = response_of(error)
    if response is not None:
        return status_of(response) in TEMPORARY
    if isinstance(error, loaded_classes("urllib.error.URLError")):
        return is_network_error(getattr(error, "reason", None))
    if isinstance(error, loaded_classes(*PERMANENT)) or is_certificate_error(error):
        return False
    return is_network_error(error) or isinstance(error, loaded_classes(*CONNECTION_ERRORS))


HTTP_ERRORS = Group("HTTP_ERRORS", is_temporary)


def is_certificate_error(error: BaseException | None) -> bool:
    """Whether a certificate was not trusted. Libraries keep that only as the cause of their
    error."""
    for _ in range(10):
        if isinstance(error, loaded_classes("ssl.SSLCertVerificationError")):
            return True
        error = error and (error.__cause__ or error.__context__)
    return False


def response_of(error: object) -> Any:
    """Returns the response in an error of urllib, httpx or requests; None if it has none."""
    if isinstance(error, loaded_classes("urllib.error.HTTPError")):
        return error
    if isinstance(error, loaded_classes("httpx.HTTPStatusError", "requests.HTTPError")):
        return getattr(error, "response", None)
    return None


def status_of(response: Any) -> Any:
    """Returns the status of a response: requests and httpx call it status_code, urllib code."""
    names = ("status_code", "code")
    return next((getattr(response, name) for name in names if hasattr(response, name)), None)


def retry_after(answer: Any, clock: Callable[[], float] = time.time) -> float | None:
    """Returns the seconds that the header Retry-After asks for, 0 to a day; None without a valid
    one.

    ``answer`` is a response with ``headers``, or an error that has a response.
    """
    response = response_of(answer)
    headers: Any = getattr(answer if response is None else response, "headers", None)
    asked = headers.get("Retry-After") if hasattr(headers, "get") else None
    seconds = parse_retry_after(asked, clock) if isinstance(asked, str) else None
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def parse_retry_after(asked: str, clock: Callable[[], float]) -> float | None:
    """Returns the seconds until the time that a header gives, in seconds or as a date; None if it
    is neither."""
    if re.fullmatch(r"\s*[0-9]{1,18}\s*", asked):
        return float(asked)
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(asked)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - clock()
    except (ValueError, OverflowError):
        return None
