from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.transport import Transport

from tests.support.fake_sentry import Items


class Kept(Items, Transport):
    """Keeps what would be sent."""

    def capture_envelope(self, envelope: Any) -> None:
        for item in envelope.items:
            self.items.append((item.headers["type"], item.payload.json))


class Client:
    """Sets up Sentry as an app does, but sends nothing. ``start`` takes options of its client."""

    def __init__(self) -> None:
        self.started: list[sentry_sdk.Client] = []

    def start(self, **options: Any) -> Kept:
        kept = Kept()
        # Integrations change other libraries for the rest of the process.
        quiet = {"default_integrations": False, "auto_enabling_integrations": False}
        client = sentry_sdk.Client("http://key@127.0.0.1:9/1", transport=kept, **quiet | options)
        sentry_sdk.get_global_scope().set_client(client)
        self.started.append(client)
        return kept


@pytest.fixture
def client() -> Iterator[Client]:
    before = sentry_sdk.get_client()
    client = Client()
    with sentry_sdk.isolation_scope():  # a transaction of a test names events of those after it
        yield client
    sentry_sdk.get_global_scope().set_client(before if before.is_active() else None)
    for each in client.started:  # else its threads run on, beside the tests that follow
        each.close()


@pytest.fixture
def sent(client: Client) -> Kept:
    """What goes to Sentry, without tracing."""
    return client.start()
