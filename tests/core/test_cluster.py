"""What is special to a cluster; most tests of the scripts run on one, too."""

from typing import Self

import pytest
from click.testing import CliRunner

from buoy import App, Job
from buoy.cli import main
from buoy.cli.top.reading import read
from buoy.connection.client import check_replies
from buoy.connection.topology import slot_of
from buoy.errors import Unavailable
from buoy.model.reservation import RoundTripRequest
from buoy.testing import drain
from tests.support.cluster import Cluster
from tests.support.world import World


class Charge(Job):
    queue = "purchasing"

    def perform(self, purchase_id: int) -> None:
        if purchase_id < 0:
            raise ValueError(f"{purchase_id} is no purchase")


def test_an_app_needs_to_know_nothing_of_it(
    cluster_world: World, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App(cluster.url)
    monkeypatch.setattr(Charge, "app", app)

    first = Charge.enqueue(1)
    Charge.using(queue="mail").enqueue_many([(2,), (-3,)])
    delayed = Charge.using(queue="later", delay=60).enqueue(4)
    assert [view.id for view in app.monitor.peek("purchasing")] == [first.id]
    assert drain(app) == {"done": 2, "failed": 1}

    assert [view.args for view in app.monitor.failed()] == [[-3]]
    assert [(view.name, view.done) for view in app.monitor.queues()] == [
        ("later", 0),
        ("mail", 1),
        ("purchasing", 1),
    ]
    assert app.monitor.workers() == []
    assert app.dequeue(Charge) == [delayed.id]
    assert app.find(first.id) is None


def test_queues_are_spread_over_the_nodes(cluster_world: World) -> None:
    world = cluster_world
    for world.queue in (f"queue-{number}" for number in range(30)):
        assert world.enqueue("a") == ["queued"]

    assert all(node.call("DBSIZE") > 5 for node in world.nodes)
    assert len(world.broker.client.call("SMEMBERS", "buoy:queues")) == 30


def test_a_trip_may_lead_to_several_nodes(cluster_world: World) -> None:
    world = cluster_world
    queues = [f"queue-{number}" for number in range(30)]
    for world.queue in queues:
        world.enqueue(world.queue)

    trips = [RoundTripRequest(queue, 1, 1) for queue in queues[:15]]
    answers, looks = world.broker.advance("one", trips, queues[15:])

    assert [held.id for answer in check_replies(answers) for held in answer.reservations] == queues[
        :15
    ]
    assert looks == dict.fromkeys(queues[15:], (1, None))


def test_a_slot_that_has_moved_is_found_again(cluster_world: World, cluster: Cluster) -> None:
    world = cluster_world
    world.enqueue("a", "b")
    first = world.take_one()

    with SlotMove(world, cluster) as move:
        move.begin()
        move.keys()
        with pytest.raises(Unavailable, match=r"^Redis cannot do it now: Multiple keys request"):
            world.take()
        move.end()

        assert [held.id for held in world.take()] == ["b"]
        assert world.settle(first, "done") == []
        assert world.running == ["b"]


def test_the_other_queues_go_on_while_a_node_is_away(
    cluster_world: World, cluster: Cluster
) -> None:
    world = cluster_world
    world.everywhere("CONFIG", "SET", "cluster-require-full-coverage", "no")
    here, there = (queue_on(world, node) for node in (0, 1))
    for world.queue in (there, here):
        world.enqueue("a")

    cluster.servers[1].kill()
    try:
        trips = [RoundTripRequest(here, 1, 1), RoundTripRequest(there, 2, 1)]
        [answer, error], looks = world.broker.advance("one", trips, [there])
        assert [held.id for held in check_replies([answer])[0].reservations] == ["a"]
        assert isinstance(error, Unavailable)
        assert str(error).startswith("Redis cannot be reached: ")
        assert looks == {}
    finally:
        cluster.servers[1].start()
        cluster.wait_until_ready()

    assert world.broker.advance("one", [], [here, there])[1] == {
        here: (0, None),
        there: (0, None),  # its data was only in memory
    }


class SlotMove:
    """Moves the slot of the world's queue to another node; afterwards, empty, it goes back."""

    def __init__(self, world: World, cluster: Cluster) -> None:
        self.world = world
        self.slot = slot_of(["LLEN", world.key("queued")])
        self.source = owner(world, world.queue)
        self.target = (self.source + 1) % 3
        self.names = [node.call("CLUSTER", "MYID").decode() for node in world.nodes]
        self.port = cluster.servers[self.target].port or 0
        self.moved = False

    def begin(self) -> None:
        """From now on the slot is on its way."""
        self.set_slot(self.target, "IMPORTING", self.names[self.source])
        self.set_slot(self.source, "MIGRATING", self.names[self.target])

    def keys(self) -> None:
        """All keys of the slot are on the other node."""
        node = self.world.nodes[self.source]
        for key in node.call("CLUSTER", "GETKEYSINSLOT", self.slot, 100):
            node.call("MIGRATE", "127.0.0.1", self.port, key, 0, 60_000)

    def end(self) -> None:
        """The slot is the other node's."""
        self.moved = True
        self.give(self.target, self.source)

    def give(self, taker: int, giver: int) -> None:
        """Let the slot be that of one node, for all of them."""
        for node in (taker, giver, 3 - taker - giver):
            self.set_slot(node, "NODE", self.names[taker])

    def set_slot(self, node: int, *words: str) -> None:
        self.world.nodes[node].call("CLUSTER", "SETSLOT", self.slot, *words)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.world.everywhere("FLUSHALL")
        if self.moved:
            # As it came: else what the other node says of its slot at this moment, which is the
            # newer claim, would take it away again.
            self.set_slot(self.source, "IMPORTING", self.names[self.target])
        self.give(self.source, self.target)


def queue_on(world: World, node: int, name: str = "queue") -> str:
    """A queue that lives on this node, and whose name begins so."""
    names = (f"{name}-{number}" for number in range(100))
    return next(name for name in names if owner(world, name) == node)


def owner(world: World, queue: str) -> int:
    """The node on which a queue lives: slots are dealt out in three equal parts."""
    return slot_of(["LLEN", world.broker.keys.part(queue, "queued")]) * 3 // 16384


def test_jobs_of_other_nodes_are_ended_and_put_off_while_a_node_is_away(
    cluster_world: World, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = cluster_world
    world.everywhere("CONFIG", "SET", "cluster-require-full-coverage", "no")
    app = App(cluster.url)
    monkeypatch.setattr(Charge, "app", app)
    names = slot_of(["SMEMBERS", world.broker.keys.queues()]) * 3 // 16384
    away = (names + 1) % 3
    first, here = queue_on(world, away, "a"), queue_on(world, names, "b")
    ids = [Charge.using(queue=here, delay=60).enqueue(number).id for number in range(3)]
    Charge.using(queue=first).enqueue(4)

    cluster.servers[away].kill()
    try:
        assert app.cancel(ids[0]) == "delayed"
        assert app.dequeue(ids[1]) == [ids[1]]
        assert app.reschedule(ids[2]) == [ids[2]]
        for act in (app.cancel, app.dequeue, app.reschedule):
            with pytest.raises(Unavailable):
                act("nope")
    finally:
        cluster.servers[away].start()
        cluster.wait_until_ready()


def test_of_a_cluster_with_a_dead_node_commands_say_what_they_can(
    cluster_world: World, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = cluster_world
    world.everywhere("CONFIG", "SET", "cluster-require-full-coverage", "no")
    names = slot_of(["SMEMBERS", "buoy:queues"]) * 3 // 16384
    here, there = (queue_on(world, node) for node in (names, (names + 1) % 3))
    for world.queue in (there, here):
        world.enqueue("a")
    monkeypatch.setenv("BUOY_URL", cluster.url_of(0, 1, 2))
    monkeypatch.setattr(Job, "app", App())

    dead = cluster.servers[(names + 1) % 3]
    dead.kill()
    try:
        listed, examined = (CliRunner().invoke(main, [name]) for name in ("queues", "doctor"))
        shown_by_top = read(Job.app)
    finally:
        dead.start()
        cluster.wait_until_ready()

    assert listed.exit_code == 1
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["name", here]
    assert listed.stderr.startswith(f"queue {there}: Redis cannot be reached: ")
    assert examined.exit_code == 1
    assert f"WRONG  queue {there}: Redis cannot be reached: " in examined.stdout
    assert "Traceback" not in examined.output
    assert [view.name for view in shown_by_top.queues] == [here]
    assert shown_by_top.missed == [there]
