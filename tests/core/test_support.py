"""What other tests stand on: the fault proxy and the cluster."""

from collections.abc import Iterator

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import TimeoutError as PollingWakeup
from redis.retry import Retry

from buoy.embedded.server import Server
from tests.support.cluster import Cluster
from tests.support.processes import wait_until
from tests.support.proxy import Proxy, When, connect, end_of_value


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(port=True) as server:
        yield server


@pytest.fixture
def direct(server: Server) -> Iterator["Redis"]:
    with client(server.url) as direct:
        direct.flushall()
        yield direct


@pytest.fixture(params=["unix", "port"])
def proxy(server: Server, request: pytest.FixtureRequest) -> Iterator[Proxy]:
    port = request.param == "port"
    with Proxy(server.url if port else f"unix://{server.socket}", port=port) as proxy:
        yield proxy


def client(url: str, timeout: float = 120.0) -> "Redis":
    """Without the client's own retries, which would hide what the proxy does."""
    once = Retry(NoBackoff(), 0)
    return Redis.from_url(url, decode_responses=True, retry=once, socket_timeout=timeout)


def has_answer(client: "Redis") -> bool:
    try:
        return bool(client.ping())
    except PollingWakeup:
        return False


class TestProxy:
    def test_the_proxy_passes_everything_on_and_counts(self, proxy: Proxy) -> None:
        with client(proxy.url) as through, through.pipeline(transaction=False) as pipeline:
            assert through.set("key", "value\r\n*3\r\n$")
            for _ in range(2000):
                pipeline.get("key").mget(["key", "none"]).hgetall("none")

            assert pipeline.execute() == ["value\r\n*3\r\n$", ["value\r\n*3\r\n$", None], {}] * 2000
            assert proxy.commands == ["SET", *["GET", "MGET", "HGETALL"] * 2000]

    def test_a_value_of_a_megabyte_passes(self, proxy: Proxy) -> None:
        with client(proxy.url) as through:
            through.set("key", "x" * 2**20)

            assert through.get("key") == "x" * 2**20

    @pytest.mark.parametrize(("when", "stored"), [("before", ["1"]), ("after", ["1", "2"])])
    def test_the_proxy_cuts_once_at_the_nth_command(
        self, proxy: Proxy, direct: "Redis", when: When, stored: list[str]
    ) -> None:
        with client(proxy.url) as through:
            proxy.cut(2, when)
            through.rpush("list", 1)
            with pytest.raises(Unreachable):
                through.rpush("list", 2)

            assert direct.lrange("list", 0, -1) == stored
            assert through.rpush("list", 3) == len(stored) + 1
            assert proxy.commands == ["RPUSH"] * 3

    @pytest.mark.parametrize(("when", "stored"), [("before", ["1"]), ("after", ["1", "2"])])
    def test_the_proxy_cuts_in_the_middle_of_a_pipeline(
        self, proxy: Proxy, direct: "Redis", when: When, stored: list[str]
    ) -> None:
        with client(proxy.url) as through, through.pipeline(transaction=False) as pipeline:
            proxy.cut(2, when)
            pipeline.rpush("list", 1).rpush("list", 2).rpush("list", 3)
            with pytest.raises(Unreachable):
                pipeline.execute()

            assert direct.lrange("list", 0, -1) == stored

    def test_a_push_is_no_reply(self, proxy: Proxy, direct: "Redis") -> None:
        with client(proxy.url) as through, through.pubsub() as subscriber:
            subscriber.subscribe("news")
            assert subscriber.get_message(timeout=60)["type"] == "subscribe"
            direct.publish("news", "hello")

            assert subscriber.get_message(timeout=60)["data"] == "hello"

    def test_the_proxy_drops_open_connections(self, proxy: Proxy) -> None:
        with connect(proxy.url) as connection:
            connection.settimeout(60)
            connection.sendall(b"*3\r\n$5\r\nBLPOP\r\n$4\r\nnone\r\n$1\r\n0\r\n")
            proxy.wait_for(1)
            assert proxy.commands == ["BLPOP"]

            proxy.drop()

            assert connection.recv(1) == b""

    def test_a_frozen_proxy_delivers_nothing_until_it_resumes(
        self, proxy: Proxy, direct: "Redis"
    ) -> None:
        with client(proxy.url) as patient, client(proxy.url, timeout=1.0) as hasty:
            patient.ping()
            wait_until(lambda: has_answer(hasty))
            before = len(proxy.commands)
            proxy.freeze()

            with pytest.raises(PollingWakeup):
                hasty.set("key", "value")
            assert direct.get("key") is None
            assert len(proxy.commands) == before

            proxy.resume()
            proxy.wait_for(before + 1)
            assert patient.ping()

    def test_the_proxy_refuses_new_connections_until_it_resumes(self, proxy: Proxy) -> None:
        with client(proxy.url) as before, client(proxy.url) as after:
            before.ping()
            proxy.refuse()

            assert before.ping()
            with pytest.raises(Unreachable):
                after.ping()

            proxy.resume()
            assert after.ping()

    def test_a_dead_server_is_a_cut_connection(self) -> None:
        with Server() as server, Proxy(server.url) as proxy, client(proxy.url) as through:
            through.ping()
            server.kill()

            for _ in range(2):
                with pytest.raises(Unreachable):
                    through.ping()

            server.start()
            assert through.ping()

    @pytest.mark.parametrize(
        "value",
        [
            b"+OK\r\n",
            b"-ERR no\r\n",
            b":1\r\n",
            b"_\r\n",
            b"$-1\r\n",
            b"*-1\r\n",
            b"$0\r\n\r\n",
            b"$4\r\n\r\n*2\r\n",
            b"=5\r\ntxt:a\r\n",
            b"*2\r\n$1\r\na\r\n*1\r\n:1\r\n",
            b"%1\r\n+key\r\n~2\r\n#t\r\n,1.5\r\n",
            b">2\r\n+message\r\n$-1\r\n",
        ],
    )
    def test_the_proxy_knows_where_a_value_ends(self, value: bytes) -> None:
        assert end_of_value(b"+before\r\n" + value + b"+after\r\n", 9) == 9 + len(value)
        assert [end_of_value(value[:cut], 0) for cut in range(len(value))] == [None] * len(value)


def test_a_cluster_serves_all_slots_and_survives_the_death_of_a_node() -> None:
    with Cluster() as cluster:
        port = cluster.servers[0].port or 0
        assert cluster.url == f"redis+cluster://127.0.0.1:{port}"
        with RedisCluster("127.0.0.1", port, decode_responses=True) as client:
            for number in range(30):
                client.set(f"key{number}", number)
            assert sorted(client.dbsize(target_nodes=node) > 0 for node in client.get_nodes())

            cluster.servers[1].kill()
            cluster.servers[1].start()
            cluster.wait_until_ready()

            assert client.set("again", 1)
