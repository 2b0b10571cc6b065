from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from buoy.broker.broker import Broker
from buoy.connection.client import Client
from buoy.connection.server import ServerClient
from buoy.embedded.server import Server
from buoy.settings import Settings
from tests.support.cluster import Cluster
from tests.support.proxy import Proxy
from tests.support.world import World

collect_ignore = [] if find_spec("textual") else ["test_top.py"]
"""Tests of an extra that is not installed are left out."""


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def cluster_nodes(cluster: Cluster) -> list[Client]:
    return [ServerClient(server.url) for server in cluster.servers]


@pytest.fixture(scope="session")
def server_nodes(buoy_server: Server) -> list[Client]:
    return [ServerClient(buoy_server.url)]


@pytest.fixture
def world(buoy_server: Server, server_nodes: list[Client]) -> World:
    """A queue on one server."""
    return empty_world(buoy_server.url, server_nodes)


@pytest.fixture
def cluster_world(cluster: Cluster, cluster_nodes: list[Client]) -> World:
    """A queue on a cluster of three nodes."""
    return empty_world(cluster.url, cluster_nodes)


@pytest.fixture(params=["server", "cluster"])
def any_world(request: pytest.FixtureRequest) -> World:
    """A queue on one server, and again on a cluster."""
    name = "world" if request.param == "server" else "cluster_world"
    world: World = request.getfixturevalue(name)
    return world


@pytest.fixture
def proxy(buoy_server: Server) -> Iterator[Proxy]:
    """Stands before the server, and fails when it is told to."""
    with Proxy(buoy_server.url) as proxy:
        yield proxy


def empty_world(url: str, nodes: list[Client]) -> World:
    world = World(Broker(Settings(url=url)), nodes)
    world.everywhere("FLUSHALL")
    return world
