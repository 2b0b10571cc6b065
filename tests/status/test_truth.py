"""After any events in any order, the state of every job is correct."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from buoy import App, Handle, Job
from buoy.embedded.server import Server
from buoy.model.reservation import Reservation
from buoy.operations.failed_set import Filter, find, remove, retry
from buoy.testing import FakeWorker
from buoy_status import cancel, status

from . import shop
from .shop import Stubborn, fail, fail_for_good

CART = 42
ENDS = {"done", "failed", "cancelled"}
ACTS = [
    "enqueue",
    "enqueue",
    "take",
    "take",
    "take",
    "succeed",
    "fail",
    "fail_for_good",
    "make_due",
    "cancel",
    "dequeue",
    "cancel_what_has_ended",
    "retry_failures",
    "remove_failures",
    "move",
]


class Truth(RuleBasedStateMachine):
    """Jobs of one class with equal arguments, and the state that each must have."""

    server: Server

    def __init__(self) -> None:
        super().__init__()
        self.app = Job.app = App(self.server.url)
        self.app.command("FLUSHALL")
        self.app.monitor.queue_names()
        self.handles: list[Handle[Any]] = []
        self.expected: dict[str, str] = {}
        self.attempts: dict[str, int] = {}
        self.put_back: dict[str, int] = {}
        self.held: list[Reservation] = []
        self.worker = FakeWorker(self.app, "purchasing")

    def teardown(self) -> None:
        self.app.broker.client.close()

    def one(self, number: int, *states: str) -> str | None:
        ids = [id for id, state in self.expected.items() if state in states]
        return ids[number % len(ids)] if ids else None

    @rule(act=st.sampled_from(ACTS), number=st.integers(0, 100))
    def act(self, act: str, number: int) -> None:
        getattr(self, act)(number)

    def enqueue(self, number: int) -> None:
        handle = Stubborn.using(delay=1000 * (number % 2)).enqueue(CART)
        self.handles.append(handle)
        self.attempts[handle.id] = 1
        self.expected[handle.id] = "delayed" if number % 2 else "queued"

    def take(self, number: int) -> None:
        if self.app.monitor.peek("purchasing", 0, 1):
            self.held.append(self.worker.take())
            self.expected[self.held[-1].id] = "running"

    def succeed(self, number: int) -> None:
        self.settle(number, None, "done")

    def fail(self, number: int) -> None:
        self.settle(number, fail, "delayed")

    def fail_for_good(self, number: int) -> None:
        self.settle(number, fail_for_good, "failed")

    def settle(self, number: int, run: Any, state: str) -> None:
        if not self.held:
            return
        held = self.held.pop(number % len(self.held))
        shop.inside.extend([run] if run else [])
        took = self.worker.run(held)
        shop.inside.clear()
        assert took == (self.expected[held.id] == "running")
        if took and state == "delayed" and self.attempts[held.id] == 3:
            state = "failed"
        if took:
            self.attempts[held.id] += state == "delayed"
            self.expected[held.id] = state

    def make_due(self, number: int) -> None:
        id = self.one(number, "delayed")
        if id and self.app.reschedule(id):
            self.expected[id] = "queued"
            self.worker.heal()

    def cancel(self, number: int) -> None:
        id = self.one(number, "queued", "delayed", "running")
        if id:
            assert cancel(id) is not None
            self.expected[id] = "cancelled"

    def cancel_what_has_ended(self, number: int) -> None:
        id = self.one(number, *ENDS)
        assert id is None or cancel(id) is None

    def dequeue(self, number: int) -> None:
        id = self.one(number, "queued", "delayed")
        if id and self.app.dequeue(id):
            self.expected[id] = "cancelled"
            if id in self.put_back:  # nothing was said: what was said before holds again
                self.expected[id], self.attempts[id] = "failed", self.put_back[id]

    def retry_failures(self, number: int) -> None:
        views = list(find(self.app.monitor, Filter()))
        retry(self.app.control, views)
        for view in views:
            self.put_back[view.id] = self.attempts[view.id]
            self.expected[view.id], self.attempts[view.id] = "queued", 1

    def remove_failures(self, number: int) -> None:
        remove(self.app.control, find(self.app.monitor, Filter()))  # they stay what they were

    def move(self, number: int) -> None:
        self.app.move("purchasing", "slow")
        self.what_is_told_is_so()
        # For two minutes they could not come home: an id that has left is remembered.
        self.app.command("DEL", self.app.key("purchasing", "ended"))
        self.app.move("slow", "purchasing")
        self.app.command("DEL", self.app.key("slow", "ended"))

    @invariant()
    def what_is_told_is_so(self) -> None:
        for handle in self.handles:
            found = status(handle)
            assert found is not None
            assert found.state == self.expected[handle.id], (found, self.expected[handle.id])
            assert found.ended == (found.state in ENDS)
            if found.state != "cancelled":
                assert found.attempt == self.attempts[handle.id]
            assert (found.result is not None) == (found.state == "done")
            assert found == status(handle.id)

    @invariant()
    def the_latest_is_meant(self) -> None:
        found = status(Stubborn, CART)
        assert (found is None) == (not self.handles)
        if found is not None:
            assert found == status(found.id)


def test_after_any_order_of_events_every_state_is_correct(buoy_server: Server) -> None:
    before = Job.app
    Truth.server = buoy_server
    try:
        run_state_machine_as_test(
            Truth,
            settings=settings(
                max_examples=30, stateful_step_count=30, deadline=None, database=None
            ),
        )
    finally:
        Job.app = before
