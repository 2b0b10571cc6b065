"""``buoy metrics`` as a real process."""

import os
import re
import signal
import socket
from collections.abc import Callable, Iterator

import httpx
import pytest
from redis.crc import key_slot

from buoy import ConfigurationError
from buoy.plugins.daemon import listen
from tests.support.cluster import SIZE, SLOTS, Cluster
from tests.support.processes import Site, WorkerProcess, wait_until

from .apps.jobs import Note

PLACE = re.compile(r"metrics at (http://\S+)/metrics")


def exporter(site: Site, *options: str, url: str = "") -> tuple[WorkerProcess, str]:
    """Start one on a free port; returns it and its address, once it serves."""
    log = site.folder / f"metrics-{len(site.workers)}.log"
    with log.open("wb") as output:
        process = site.start(["metrics", "--port", "0", *options], output, url)
    site.workers.append(WorkerProcess(process, log))
    started = site.workers[-1]
    [place] = wait_until(lambda: PLACE.findall(started.log), what=site.logs)
    return started, place


def page(place: str) -> str:
    return httpx.get(f"{place}/metrics", timeout=60).text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_it_ends_at_once_when_it_is_told_to(site: Site, number: signal.Signals) -> None:
    process, place = exporter(site)
    assert "buoy_redis_up 1.0" in page(place)

    process.signal(number)

    assert process.wait() == 0
    assert "Traceback" not in process.log


def test_it_ends_although_a_client_is_connected_and_redis_is_silent(own_site: Site) -> None:
    process, place = exporter(own_site)
    host, port = place.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"GET /metrics HTTP/1.0\r\n")
        redis = own_site.server.pid or 0
        os.kill(redis, signal.SIGSTOP)
        process.signal(signal.SIGTERM)
        assert process.wait() == 0
        os.kill(redis, signal.SIGCONT)


def test_it_outlives_redis_and_may_start_before_it(own_site: Site) -> None:
    own_site.server.kill()
    process, place = exporter(own_site)
    assert "buoy_redis_up 0.0" in page(place)
    own_site.server.start()
    Note.enqueue("word")

    found = page(place)

    assert "buoy_redis_up 1.0" in found
    assert 'buoy_queue_jobs{queue="default",state="queued"} 1.0' in found
    own_site.server.kill()
    assert "buoy_redis_up 0.0" in page(place)
    process.stop()
    lines = [line.split(" ", 3)[2:] for line in process.log.splitlines()]
    assert [level for level, _ in lines] == ["INFO", "WARNING", "WARNING", "WARNING"]


def test_a_port_that_is_taken_is_an_error(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, output = site.run("metrics", "--port", str(port))

    assert code == 1
    assert output == (
        f"Error: --port: expected a free port of 127.0.0.1, got {port}: Address already in use; "
        "choose another --port, or end the process that has it\n"
    )


@pytest.mark.parametrize("host", ["203.0.113.7", "no-such-host.invalid"])
def test_a_host_that_is_not_this_one_is_an_error(site: Site, host: str) -> None:
    code, output = site.run("metrics", "--port", "0", "--host", host)

    assert code == 1
    assert output.startswith(
        f"Error: --host: expected a name or an address of this machine, got {host}: "
    )
    assert output.count("\n") == 1


def test_a_host_name_that_nobody_can_have_is_an_error() -> None:
    for host in ("x" * 64, "no\u202epe", "no\0pe"):
        with pytest.raises(ConfigurationError, match="--host: expected a name or an address"):
            listen(host, 0)


def test_it_listens_by_ipv6(site: Site) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    process, place = exporter(site, "--host", "::1")

    assert place.startswith("http://[::1]:")
    assert "buoy_redis_up 1.0" in page(place)
    process.stop()


def test_other_paths_lead_to_the_metrics(site: Site) -> None:
    process, place = exporter(site)

    index, wrong = httpx.get(place, timeout=60), httpx.get(f"{place}/status", timeout=60)

    assert (index.status_code, wrong.status_code) == (200, 404)
    assert '<a href="/metrics">' in index.text
    assert wrong.text == "expected the path /metrics\n"
    process.stop()


def test_clients_that_go_away_or_say_nonsense_do_no_harm(site: Site) -> None:
    process, place = exporter(site)
    host, port = place.removeprefix("http://").split(":")
    for nonsense in (b"", b"\xff\0\n\n", b"GET /metrics HTTP/1.1\r\n", b"GET /" + b"x" * 70_000):
        with socket.create_connection((host, int(port))) as client:
            client.sendall(nonsense)

    assert "buoy_redis_up 1.0" in page(place)
    process.stop()
    assert "Traceback" not in process.log


def test_the_pid_is_in_the_pidfile(site: Site) -> None:
    file = site.folder / "pid"
    process, _ = exporter(site, "--pidfile", str(file))

    assert file.read_text() == f"{process.pid}\n"
    process.stop()
    assert not file.exists()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


def test_on_a_cluster_the_queues_of_all_nodes_are_told(
    cluster: Cluster, make_site: Callable[..., Site]
) -> None:
    site = make_site(cluster)
    queues = [f"queue{number}" for number in range(9)]
    for queue in queues:
        Note.using(queue=queue).enqueue("word")
    process, place = exporter(site)

    found = page(place)

    assert "buoy_redis_up 1.0" in found
    for queue in queues:
        assert f'buoy_queue_jobs{{queue="{queue}",state="queued"}} 1.0' in found

    # A node without the keys that belong to no queue.
    away = ({0, 1, 2} - {node_of(f"buoy:{key}") for key in ("queues", "workers", "paused")}).pop()
    cluster.freeze(away)
    try:
        found = page(place)
    finally:
        cluster.thaw(away)

    assert "buoy_redis_up 0.0" in found
    for queue in queues:
        told = f'buoy_queue_jobs{{queue="{queue}",state="queued"}} 1.0' in found
        assert told == (node_of(f"{{{queue}}}") != away)
    wait_until(lambda: "buoy_redis_up 1.0" in page(place))
    process.stop()


def node_of(key: str) -> int:
    """The node that holds a key: each has a third of the slots."""
    return key_slot(key.encode()) * SIZE // SLOTS
