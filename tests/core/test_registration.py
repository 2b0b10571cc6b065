"""A queue that holds jobs is known, whatever Redis has lost since it was made known."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from buoy import App, Job
from buoy.connection.cluster import ClusterClient
from buoy.embedded.server import Server
from tests.support.cluster import Cluster
from tests.support.world import World


class Charge(Job):
    queue = "purchasing"

    def perform(self, purchase_id: int) -> None: ...


class Limited(Charge):
    max_length = 100


def await_one(app: App) -> None:
    async def program() -> None:
        await Charge.aenqueue(2)
        await app.aclose()

    asyncio.run(program())


WAYS: dict[str, Callable[[App], Any]] = {
    "one": lambda _: Charge.enqueue(2),
    "many": lambda _: Charge.enqueue_many([(2,), (3,)]),
    "with an id": lambda _: Charge.using(id="c2").enqueue(2),
    "delayed": lambda _: Charge.using(delay=60).enqueue(2),
    "limited": lambda _: Limited.enqueue(2),
    "by name": lambda app: app.push(Charge.name, [2], queue="purchasing"),
    "awaited": await_one,
}
LOSSES = ("FLUSHALL", "FLUSHDB", "SREM buoy:queues purchasing", "DEL buoy:queues")


@pytest.fixture(params=WAYS)
def enqueue(request: pytest.FixtureRequest) -> Callable[[App], Any]:
    return WAYS[request.param]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_forgotten_queue_is_registered_with_the_next_job(
    buoy_app: App, loss: str, enqueue: Callable[[App], Any]
) -> None:
    enqueue(buoy_app)
    buoy_app.dequeue(Charge)
    buoy_app.dequeue(Limited)
    buoy_app.command(*loss.split())
    assert buoy_app.monitor.queue_names() == []

    if loss.startswith("FLUSH"):
        enqueue(buoy_app)
    else:  # ids are known still
        Charge.enqueue(9)

    assert buoy_app.monitor.queue_names() == ["purchasing"]


@pytest.fixture
def mortal(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, App]]:
    """A server that keeps nothing when it is killed, and an app on it."""
    with Server(tmp_path / "server", port=True) as server:
        app = App(server.url)
        monkeypatch.setattr(Job, "app", app)
        yield server, app


def test_a_queue_is_registered_after_a_restart_without_data(
    mortal: tuple[Server, App], enqueue: Callable[[App], Any]
) -> None:
    server, app = mortal
    enqueue(app)
    server.kill()
    server.start()

    enqueue(app)

    assert app.monitor.queue_names() == ["purchasing"]


def test_registering_a_queue_again_costs_no_further_round_trip(mortal: tuple[Server, App]) -> None:
    _, app = mortal
    Charge.enqueue(1)
    app.command("FLUSHALL")
    app.command("CONFIG", "RESETSTAT")

    Charge.enqueue(2)

    said = app.command("INFO", "commandstats").decode()
    sent = [line for line in said.splitlines() if "_sadd:" in line or "_evalsha:" in line]
    assert sorted(line.split(",")[0] for line in sent) == [
        "cmdstat_evalsha:calls=1",
        "cmdstat_sadd:calls=1",  # the script's own
    ]


def test_a_queue_that_holds_jobs_costs_no_command_to_register(mortal: tuple[Server, App]) -> None:
    _, app = mortal
    Charge.enqueue_many([(n,) for n in range(16)])
    app.command("CONFIG", "RESETSTAT")

    Charge.enqueue(16)

    said = app.command("INFO", "commandstats").decode()
    found = {line.split(":")[0]: line.split("calls=")[1].split(",")[0] for line in
             said.splitlines() if line.startswith("cmdstat_")}  # fmt: skip
    found.pop("cmdstat_config|resetstat", None)
    assert found == {
        "cmdstat_evalsha": "1",
        "cmdstat_hset": "1",
        "cmdstat_rpush": "1",
        "cmdstat_hincrby": "1",
    }


def test_a_wrong_type_in_place_of_the_list_of_queues_loses_no_job(
    mortal: tuple[Server, App],
) -> None:
    _, app = mortal
    Charge.enqueue(1)
    app.dequeue(Charge)
    app.command("SET", "buoy:queues", "x")

    Charge.enqueue(2)

    assert [view.args for view in app.monitor.peek("purchasing")] == [[2]]


class TestOnACluster:
    @pytest.fixture
    def app(self, cluster_world: World, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> App:
        app = App(cluster.url)
        monkeypatch.setattr(Job, "app", app)
        return app

    def test_a_queue_on_a_cluster_is_registered_after_all_was_lost(
        self, app: App, cluster_world: World, enqueue: Callable[[App], Any]
    ) -> None:
        enqueue(app)
        cluster_world.everywhere("FLUSHALL")

        enqueue(app)

        assert app.monitor.queue_names() == ["purchasing"]

    def test_a_job_is_stored_though_the_list_of_queues_cannot_be_reached(
        self, app: App, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = app.broker.client
        assert isinstance(client, ClusterClient)
        client.refresh_slots()
        [away] = {client.topology.node_of(["GET", app._keys.queues()])}
        names = (f"queue-{number}" for number in range(100))
        queue = next(n for n in names if client.topology.node_of(["GET", app.key(n, "x")]) != away)
        client.topology.suspects.since[away] = 0.0

        assert Charge.using(queue=queue).enqueue(1).state == "queued"
        assert f"queue {queue!r} cannot be put on the list of queues: Redis cannot" in caplog.text
        client.topology.suspects.since.clear()
        assert app.monitor.queue_names() == []
        monkeypatch.setitem(app.broker.registered, queue, -100.0)  # as after a while
        Charge.using(queue=queue).enqueue(2)
        assert app.monitor.queue_names() == [queue]
