from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from buoy import Job
from buoy.embedded.server import Server
from tests.support.processes import Site

BOTH = ["fork", "inline"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server for the tests of a file, which do not harm it."""
    with Server(port=True) as server:
        yield server


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server for one test, that keeps its jobs when it is killed."""
    # By default Redis puts off its writing while the disk is slow, and a kill then loses some.
    always = ("--appendfsync", "always")
    with Server(tmp_path / "server", appendonly=True, args=always) as server:
        yield server


@pytest.fixture
def make_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    """Makes the site of a test on a server; no process is left of it."""
    with ExitStack() as stack:

        def make(server: Server, lease: float = 1.0) -> Site:
            site = Site(server, tmp_path, lease)
            stack.callback(site.close)
            monkeypatch.setattr(Job, "app", site.app)
            return site

        yield make


@pytest.fixture
def site(server: Server, make_site: Callable[..., Site]) -> Site:
    """A site on the server of the file, emptied."""
    site = make_site(server)
    site.app.broker.client.call("FLUSHALL")
    return site


@pytest.fixture
def own_site(own_server: Server, make_site: Callable[..., Site]) -> Site:
    """A site on a server of its own, that may be killed."""
    return make_site(own_server)


@pytest.fixture(params=BOTH)
def executor(request: pytest.FixtureRequest) -> str:
    """Each executor: the test runs under both."""
    return str(request.param)
