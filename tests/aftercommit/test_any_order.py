"""Transactions, savepoints and blocks in any order: exactly the committed jobs are pushed."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session, sessionmaker

from buoy import App, Job
from buoy_aftercommit import AfterCommit, deferring
from buoy_aftercommit.block import DeferringBlock

ACTS = ["enqueue", "savepoint", "release", "undo", "commit", "roll back", "begin"]
ACTS += ["block", "end block", "break block"]


class Charge(Job):
    queue = "orders"
    plugins = [AfterCommit()]

    def perform(self, order_id: int) -> None: ...


@dataclass
class Scope:
    """A transaction, a savepoint or a block, in a simple model."""

    begun: Any
    jobs: list[int] = field(default_factory=list)


class World:
    """Two sessions and blocks, and the model that says which jobs must be pushed."""

    def __init__(self, sessions: "sessionmaker[Session]") -> None:
        self.sessions = [sessions(), sessions()]
        self.scopes: list[list[Scope]] = [[], []]
        self.blocks: list[Scope] = []
        self.enqueued = 0
        self.waits: dict[int, int] = {}
        self.pushed: list[int] = []

    def act(self, act: str, which: int) -> None:
        if act == "enqueue":
            self.enqueue()
        elif act == "block":
            block = deferring()
            block.__enter__()
            self.blocks.append(Scope(block))
        elif act in ("end block", "break block"):
            if self.blocks:
                self.end_block(act == "end block")
        else:
            self.act_on(self.sessions[which], self.scopes[which], act)

    def act_on(self, session: Session, scopes: list[Scope], act: str) -> None:
        if act == "begin" and not scopes:
            scopes.append(Scope(session.begin()))
        elif act == "savepoint" and scopes:
            scopes.append(Scope(session.begin_nested()))
        elif act in ("release", "undo") and len(scopes) > 1:
            scope = scopes.pop()
            scope.begun.commit() if act == "release" else scope.begun.rollback()
            self.ended(scope, act == "release")
        elif act in ("commit", "roll back"):
            session.commit() if act == "commit" else session.rollback()
            while scopes:
                self.ended(scopes.pop(), act == "commit")

    def enqueue(self) -> None:
        self.enqueued += 1
        around = [scope for scopes in (*self.scopes, self.blocks) for scope in scopes]
        state = Charge.enqueue(self.enqueued).state
        assert state == ("deferred" if around else "queued")
        for scope in around:
            scope.jobs.append(self.enqueued)
        if around:
            self.waits[self.enqueued] = len(around)
        else:
            self.pushed.append(self.enqueued)

    def end_block(self, well: bool) -> None:
        scope = self.blocks.pop()
        block: DeferringBlock = scope.begun
        if well:
            block.__exit__(None, None, None)
        else:
            block.__exit__(KeyError, KeyError(), None)
        self.ended(scope, well)

    def ended(self, scope: Scope, well: bool) -> None:
        for job in scope.jobs if well else []:
            self.waits[job] -= 1
            if not self.waits[job]:
                self.pushed.append(job)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 1)), max_size=40))
def test_in_any_order_of_acts_exactly_the_committed_jobs_are_pushed(
    buoy_app: App, sessions: "sessionmaker[Session]", acts: list[tuple[str, int]]
) -> None:
    buoy_app.command("FLUSHALL")
    world = World(sessions)
    try:
        for act, which in acts:
            world.act(act, which)
            found = [view.args[0] for view in buoy_app.monitor.peek("orders", 0, 100)]
            assert found == world.pushed
    finally:
        while world.blocks:
            world.end_block(False)
        for session in world.sessions:
            session.close()
