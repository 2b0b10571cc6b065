"""Whatever happens to jobs, in whatever order: what is told of them is so."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from buoy import App, Handle, Job
from buoy.failures import Filter, find, remove, retry
from buoy.moving import Move
from buoy.reservation import Reservation
from buoy.server import Server
from buoy_status import cancel, status

from . import shop
from .conftest import Hands
from .shop import Stubborn

CART = 42
ENDS = {"succeeded", "failed", "cancelled"}
choice = st.integers(0, 100)


class Truth(RuleBasedStateMachine):
    """Jobs of one class and the same arguments, and what should be told of each."""

    server: Server

    def __init__(self) -> None:
        super().__init__()
        self.app = Job.app = App(self.server.url)
        self.app.command("FLUSHALL")
        self.app.monitor.queue_names()
        self.handles: list[Handle[Any]] = []
        self.expected: dict[str, str] = {}
        self.attempts: dict[str, int] = {}
        self.held: list[Reservation] = []
        self.hands = Hands(self.app)

    def teardown(self) -> None:
        self.app.broker.link.close()

    def one(self, number: int, *states: str) -> str | None:
        ids = [id for id, state in self.expected.items() if state in states]
        return ids[number % len(ids)] if ids else None

    def again(self, id: str) -> str:
        return "retrying" if self.attempts[id] > 1 else "waiting"

    @rule(delay=st.sampled_from([0, 1000]))
    def enqueue(self, delay: int) -> None:
        handle = Stubborn.using(delay=delay).enqueue(CART)
        self.handles.append(handle)
        self.attempts[handle.id] = 1
        self.expected[handle.id] = "delayed" if delay else "waiting"

    @precondition(lambda self: self.waits())
    @rule()
    def take(self) -> None:
        held = self.hands.take()
        self.held.append(held)
        self.expected[held.id] = "running"

    def waits(self) -> bool:
        return bool(self.app.monitor.peek("purchasing", 0, 1))

    @precondition(lambda self: self.held)
    @rule(number=choice, fails=st.booleans())
    def settle(self, number: int, fails: bool) -> None:
        held = self.held.pop(number % len(self.held))
        if fails:
            shop.inside.append(shop.fail)
        took = self.hands.run(held)
        shop.inside.clear()
        assert took == (self.expected[held.id] == "running")
        if took:
            self.expected[held.id] = self.settled(held.id, fails)

    def settled(self, id: str, fails: bool) -> str:
        if not fails:
            return "succeeded"
        if self.attempts[id] == 3:
            return "failed"
        self.attempts[id] += 1
        return "retrying"

    @rule(number=choice)
    def make_due(self, number: int) -> None:
        id = self.one(number, "delayed", "retrying")
        if id and self.app.reschedule(id):
            self.expected[id] = self.again(id)
            self.hands.look()

    @rule(number=choice)
    def cancel_one(self, number: int) -> None:
        id = self.one(number, "waiting", "delayed", "retrying", "running")
        if id:
            assert cancel(id) is not None
            self.expected[id] = "cancelled"

    @rule(number=choice)
    def cancel_what_has_ended(self, number: int) -> None:
        id = self.one(number, *ENDS)
        assert id is None or cancel(id) is None

    @rule(number=choice)
    def dequeue(self, number: int) -> None:
        id = self.one(number, "waiting", "delayed", "retrying")
        if id and self.app.dequeue(id):
            self.expected[id] = "cancelled"

    @rule(keep=st.booleans())
    def operate_on_failures(self, keep: bool) -> None:
        views = list(find(self.app.monitor, Filter()))
        if keep:
            retry(self.app.control, views)
            for view in views:
                self.expected[view.id], self.attempts[view.id] = "waiting", 1
        else:
            remove(self.app.control, views)  # they have failed, and stay so

    @rule()
    def move_away_and_back(self) -> None:
        Move(self.app.control, self.app.monitor, "purchasing", "slow", "mover").run()
        self.what_is_told_is_so()
        # Home again they cannot come for two minutes: an id that has left is remembered.
        self.app.command("DEL", self.app.key("purchasing", "recent"))
        Move(self.app.control, self.app.monitor, "slow", "purchasing", "mover").run()
        self.app.command("DEL", self.app.key("slow", "recent"))

    @invariant()
    def what_is_told_is_so(self) -> None:
        for handle in self.handles:
            found = status(handle)
            assert found is not None
            assert found.state == self.expected[handle.id], (found, self.expected[handle.id])
            assert found.ended == (found.state in ENDS)
            if found.state != "cancelled":
                assert found.attempt == self.attempts[handle.id]
            assert (found.result is not None) == (found.state == "succeeded")
            assert found == status(handle.id)

    @invariant()
    def the_latest_is_meant(self) -> None:
        found = status(Stubborn, CART)
        assert (found is None) == (not self.handles)
        if found is not None:
            assert found == status(found.id)


def test_what_is_told_is_so(buoy_server: Server) -> None:
    before = Job.app
    Truth.server = buoy_server
    try:
        run_state_machine_as_test(
            Truth, settings=settings(max_examples=40, stateful_step_count=25, deadline=None)
        )
    finally:
        Job.app = before
