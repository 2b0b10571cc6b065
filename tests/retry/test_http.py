"""HTTP_ERRORS and Retry-After, by errors that the libraries raise at real servers."""

import errno
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.error import HTTPError, URLError

import httpx
import pytest
import requests

from buoy.embedded.server import Server
from buoy_retry import HTTP_ERRORS, Retry, RetryAfter, retry_after
from tests.support.tls import TlsFront

Fetch = Callable[[str], Any]
ended = Event()
"""The tests have ended: who waits for an answer that does not come gives up."""


class Answering(BaseHTTPRequestHandler):
    """Answers as the path says: /STATUS, with the header Retry-After of the query; or not well."""

    def do_GET(self) -> None:
        match self.path.split("?"):
            case ["/slow"]:
                ended.wait()
            case ["/cut"]:
                self.connection.shutdown(socket.SHUT_RDWR)
            case ["/short"]:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
                self.connection.shutdown(socket.SHUT_RDWR)
            case ["/babble"]:
                self.wfile.write(b"what?\r\n\r\n")
            case [path, *asked]:
                self.send_response(int(path[1:]))
                if asked:
                    self.send_header("Retry-After", asked[0].replace("_", " "))
                self.send_header("Content-Length", "0")
                self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    ended.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        ended.set()
        server.shutdown()
        thread.join()


def patience(url: str) -> float:
    """Seconds that a call waits: few for an answer that does not come."""
    return 0.2 if url.endswith("/slow") else 60.0


def urllib_fetch(url: str) -> None:
    try:
        with urllib.request.urlopen(url, timeout=patience(url)) as response:
            response.read()
    except HTTPError as error:
        error.close()  # it is a file, too
        raise


def httpx_fetch(url: str) -> None:
    httpx.get(url, timeout=patience(url), trust_env=False).raise_for_status()


def requests_fetch(url: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.get(url, timeout=patience(url)).raise_for_status()


@pytest.fixture(params=[urllib_fetch, httpx_fetch, requests_fetch], ids=lambda each: each.__name__)
def fetch(request: pytest.FixtureRequest) -> Fetch:
    """Each library: the test runs with all of them."""
    found: Fetch = request.param
    return found


def raised(fetch: Fetch, url: str) -> Exception:
    try:
        fetch(url)
    except Exception as error:  # noqa: BLE001
        return error
    raise AssertionError(f"{url} was fetched")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_statuses_408_425_429_and_5xx_are_temporary(fetch: Fetch, site: str, status: int) -> None:
    assert HTTP_ERRORS.holds(raised(fetch, f"{site}/{status}"))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 501])
def test_other_statuses_are_not_temporary(fetch: Fetch, site: str, status: int) -> None:
    assert not HTTP_ERRORS.holds(raised(fetch, f"{site}/{status}"))


@pytest.mark.parametrize("path", ["slow", "cut", "short", "babble"])
def test_broken_connections_are_temporary(fetch: Fetch, site: str, path: str) -> None:
    error = raised(fetch, f"{site}/{path}")
    assert HTTP_ERRORS.holds(error), repr(error)


def test_a_refused_connection_is_temporary(fetch: Fetch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

        assert HTTP_ERRORS.holds(raised(fetch, url))


def test_an_unknown_host_is_temporary(fetch: Fetch) -> None:
    assert HTTP_ERRORS.holds(raised(fetch, "http://nowhere.invalid"))


@pytest.mark.parametrize("url", ["gopher://127.0.0.1", "http://"])
def test_an_invalid_url_is_not_temporary(fetch: Fetch, url: str) -> None:
    error = raised(fetch, url)
    assert not HTTP_ERRORS.holds(error), repr(error)


def test_an_untrusted_certificate_is_not_temporary(fetch: Fetch, buoy_server: Server) -> None:
    with TlsFront(buoy_server.url) as front:
        url = front.url.replace("rediss", "https")
        error = raised(fetch, url)

    assert not HTTP_ERRORS.holds(error), repr(error)


@pytest.mark.parametrize(
    "error", [ValueError("no"), KeyError("timeout"), OSError(2, "no such file"), SystemExit(1)]
)
def test_other_errors_are_not_http_errors(error: BaseException) -> None:
    assert not HTTP_ERRORS.holds(error)


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        ConnectionResetError(),
        OSError(errno.EHOSTUNREACH, "No route to host"),
        URLError(TimeoutError()),
        ssl.SSLEOFError(),
    ],
)
def test_errors_of_the_network_are_http_errors(error: BaseException) -> None:
    assert HTTP_ERRORS.holds(error)


# Retry-After


def test_the_header_retry_after_in_seconds_is_read(fetch: Fetch, site: str) -> None:
    assert retry_after(raised(fetch, f"{site}/503?120")) == 120
    assert retry_after(raised(fetch, f"{site}/429?0")) == 0
    assert retry_after(raised(fetch, f"{site}/503")) is None
    assert retry_after(raised(fetch, f"{site}/503?soon")) is None


def test_the_header_retry_after_as_a_date_is_read(fetch: Fetch, site: str) -> None:
    now = 1_800_000_000
    asked = formatdate(now + 90, usegmt=True).replace(" ", "_")

    error = raised(fetch, f"{site}/503?{asked}")

    assert retry_after(error, clock=lambda: now) == 90
    assert retry_after(error, clock=lambda: now + 100) == 0


def test_retry_after_accepts_a_response(site: str) -> None:
    assert retry_after(httpx.get(f"{site}/202?7", trust_env=False)) == 7
    with requests.Session() as session:
        assert retry_after(session.get(f"{site}/202?8")) == 8


@pytest.mark.parametrize("asked", ["9" * 10, "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_retry_after_is_at_most_a_day(asked: str) -> None:
    assert retry_after(httpx.Response(503, headers={"Retry-After": asked})) in (86_400, None)


@pytest.mark.parametrize(
    "asked", ["", " ", "-5", "1.5", "٣", "soon", "0x10", "Fri, 31 Feb 2026 25:61:61 GMT", "1" * 99]
)
def test_an_invalid_retry_after_is_ignored(asked: str) -> None:
    assert retry_after(httpx.Response(503, headers=[(b"Retry-After", asked.encode())])) is None


@pytest.mark.parametrize("other", [None, 5, ValueError("no"), RetryAfter(5), {"Retry-After": "5"}])
def test_retry_after_of_other_objects_is_none(other: object) -> None:
    assert retry_after(other) is None


def test_retry_waits_as_long_as_the_header_asks(fetch: Fetch, site: str) -> None:
    retry = Retry(3, 60, on=HTTP_ERRORS)

    assert retry.wait_seconds(1, raised(fetch, f"{site}/503?120")) == 120
    assert retry.wait_seconds(1, raised(fetch, f"{site}/503")) == 60
    assert retry.wait_seconds(1, raised(fetch, f"{site}/404?120")) is None
    assert retry.wait_seconds(4, raised(fetch, f"{site}/503?120")) is None


def test_an_error_of_urllib_without_headers_has_no_retry_after() -> None:
    error = HTTPError("http://x", 503, "busy", None, None)  # type: ignore[arg-type]

    assert HTTP_ERRORS.holds(error)
    assert retry_after(error) is None


def test_declaring_a_group_loads_no_library() -> None:
    program = (
        "import sys, buoy_retry as r; r.Retry(on={r.HTTP_ERRORS: 5, r.SMTP_ERRORS: 5});"
        "r.HTTP_ERRORS.holds(OSError()); r.SMTP_ERRORS.holds(OSError());"
        "heavy = {'httpx', 'requests', 'urllib.request', 'urllib3', 'http.client', 'smtplib', "
        "'ssl', 'redis', 'click', 'asyncio'};"
        "sys.exit(', '.join(heavy & sys.modules.keys()) or 0)"
    )

    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)

    assert ended.stderr.decode() == ""
