"""The pytest plugin: fixtures. pytest loads it in every environment that has buoy, so it imports
nothing else before a test asks for a fixture."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..app import App
    from ..embedded.server import Server
    from .clock import Clock


@pytest.fixture(scope="session")
def buoy_server() -> "Iterator[Server]":
    """A private Redis server, one for all tests of a session."""
    from ..embedded.server import Server

    with Server() as server:
        yield server


@pytest.fixture(scope="session")
def buoy_allowed_urls() -> Collection[str]:
    """The beginnings of URLs that apps may use in tests with ``buoy_app``, beside the private
    server. There are none, unless you override this fixture."""
    return ()


@pytest.fixture
def buoy_app(
    buoy_server: "Server", buoy_allowed_urls: Collection[str], monkeypatch: pytest.MonkeyPatch
) -> "Iterator[App]":
    """An app on the empty private server; during the test it is the app of all job classes that
    have no app of their own, and has the app-wide plugins of the one before. All other apps use
    that server, too, each with its own namespace."""
    from .isolation import isolate

    app = isolate(buoy_server, monkeypatch.setattr, buoy_allowed_urls)
    yield app
    app.broker.client.close()  # the socket would be open until the garbage is collected


@pytest.fixture
def buoy_clock(buoy_app: "App") -> "Clock":
    """The clock of ``buoy_app``."""
    from .clock import Clock

    return Clock(buoy_app)


@pytest.fixture
def buoy_registry() -> Iterator[None]:
    """Job classes that are declared during the test are forgotten after it, so that two tests may
    declare classes of the same name."""
    from ..jobs.registry import not_served, registry

    before, not_served_before = dict(registry), dict(not_served)
    yield
    registry.clear()
    registry.update(before)
    not_served.clear()
    not_served.update(not_served_before)
