from collections.abc import Iterator
from contextlib import ExitStack
from typing import Protocol

import pytest

from buoy_mailer import outbox
from tests.support.smtp import MailServer


class Servers(Protocol):
    def __call__(
        self,
        *,
        tls: bool = False,
        starttls: bool = False,
        auth: bool = False,
        utf8: bool = True,
        size: int = 10**7,
    ) -> MailServer: ...


@pytest.fixture(autouse=True)
def empty_outbox(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox.clear()
    for name in ("BUOY_MAIL_URL", "BUOY_MAIL_DELIVERIES", "BUOY_ENV"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def servers() -> Iterator[Servers]:
    """Makes mail servers; they end with the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(MailServer(**options))


@pytest.fixture
def server(servers: Servers) -> MailServer:
    """A mail server without TLS."""
    return servers()
