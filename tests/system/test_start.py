"""The start of a worker: what waiting mends is waited for, what it does not ends it; and a signal
ends it in peace at any moment."""

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from redis import Redis

from buoy.embedded.server import Server
from tests.support.cluster import Cluster
from tests.support.processes import Site
from tests.support.tls import TlsFront

from .apps.jobs import Note


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def tls() -> Iterator[TlsFront]:
    with Server() as server, TlsFront(server.url) as front:
        yield front


@pytest.fixture(scope="module")
def web() -> Iterator[int]:
    """A server that is no Redis."""

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, suppress(OSError):
                client.recv(1000)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                client.shutdown(socket.SHUT_WR)
                while client.recv(1000):  # what is left unread would take the answer away
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def refused(site: Site, url: str) -> str:
    """What a worker says that does not start."""
    worker = site.worker("--executor", "inline", url=url)
    assert worker.wait() == 1, worker.log
    assert "Traceback" not in worker.log
    assert worker.log.count("Error: ") == 1
    return worker.log


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("{}/99", "Redis refuses the connection: DB index is out of range"),
        ("{auth}:wrong@{host}", "Redis refuses the login: "),
        ("{auth}noperm:word@{host}", "has no permissions to run the 'zadd' command"),
        ("{auth}nokeys:word@{host}", "Redis refused: "),
        ("{tls}", "it speaks no TLS: expected BUOY_URL to start with redis://"),
        ("redis+cluster://{host}", "does not tell where the slots of a cluster are: "),
    ],
)  # fmt: skip
def test_an_error_that_waiting_cannot_mend_ends_the_start(
    site: Site, server: Server, url: str, said: str
) -> None:
    with Redis.from_url(server.url) as client:
        client.execute_command("ACL SETUSER noperm on >word ~* +@all -zadd")
        client.execute_command("ACL SETUSER nokeys on >word ~other:* +@all")
    host = f"127.0.0.1:{server.port}"
    words = {"auth": "redis://", "tls": f"rediss://{host}", "host": host}
    assert said in refused(site, url.format(f"redis://{host}", **words))


def test_a_cluster_tls_and_a_server_that_is_none_are_told(
    site: Site, cluster: Cluster, tls: TlsFront, web: int
) -> None:
    one_node = refused(site, cluster.servers[0].url)
    assert "expected BUOY_URL to start with redis+cluster://" in one_node
    plain = refused(site, tls.url.replace("rediss:", "redis:"))
    assert "it speaks TLS: expected BUOY_URL to start with rediss://" in plain
    assert "Redis cannot be reached by TLS: " in refused(
        site, tls.url
    )  # not a certificate we trust
    other = refused(site, f"redis://127.0.0.1:{web}")
    assert "expected a Redis server, got an answer of another: " in other


def test_the_scheduler_and_commands_end_with_errors_that_waiting_cannot_mend(
    site: Site, server: Server
) -> None:
    url = f"redis://:wrong@127.0.0.1:{server.port}"
    for command in (["scheduler", "-a", "tests.system.apps.jobs"], ["queues"], ["doctor"]):
        code, output = site.run("--url", url, *command)
        assert (code, output.count("Redis refuses the login: ")) == (1, 1), output
        assert "Traceback" not in output


@pytest.mark.parametrize(
    ("state", "mend"),
    [
        (["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]),
        (
            ["CONFIG", "SET", "min-replicas-to-write", "1"],
            ["CONFIG", "SET", "min-replicas-to-write", "0"],
        ),
    ],
    ids=["a replica", "too few replicas"],
)
def test_an_error_that_waiting_mends_is_waited_for_and_logged_once(
    own_site: Site, state: list[str], mend: list[str]
) -> None:
    own_site.app.command(*state)
    worker = own_site.worker("--executor", "inline")
    worker.wait_for_log("waiting for it")
    time.sleep(0.5)
    own_site.app.command(*mend)
    Note.enqueue("there")
    own_site.note("ran", "there")
    assert worker.log.count("Redis cannot do it now") == 1
    assert worker.log.count("Redis is back") == 1
    worker.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_worker_that_waits_for_redis_ends_when_told(
    make_site: Callable[..., Site], tmp_path: Path, number: signal.Signals
) -> None:
    site = make_site(Server(tmp_path / "nowhere"))
    pidfile = tmp_path / "pid"
    worker = site.worker("--executor", "inline", "--pidfile", str(pidfile))
    worker.wait_for_log("waiting for it")
    worker.signal(number)
    assert worker.wait() == 0, worker.log
    assert "Traceback" not in worker.log
    assert not pidfile.exists()


@pytest.mark.parametrize("url", ["", "embedded://{}/data"], ids=["server", "embedded"])
def test_a_worker_that_is_told_to_end_while_it_starts_ends_without_a_traceback(
    site: Site, tmp_path: Path, executor: str, url: str
) -> None:
    """Moments from the first import of buoy on; Python itself dies by a signal before that."""
    ended = 0
    for moment in count(1):
        worker = site.worker("--executor", executor, url=url.format(tmp_path))
        time.sleep(0.1 * moment)
        worker.signal(signal.SIGTERM)
        assert worker.wait() in (0, -signal.SIGTERM), worker.log
        assert "Traceback" not in worker.log
        ended += worker.process.returncode == 0
        if ended == 2:
            break
