"""Any acts in any order, and after each of them every job is in exactly one place.

A Python model goes beside the queue in Redis: it knows which jobs were accepted and have not
ended, what is in their payloads and which claims they hold. Where each job lies is read back.

BUOY_LIFECYCLE=N runs N sequences of acts instead of the usual number.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from buoy.model.due import Due
from buoy.model.entry import Entry
from buoy.model.priority import LEVELS, NAME, RANKS, priority_in
from buoy.model.reservation import OutcomeWord, Reservation, RoundTripReply, Settlement
from buoy.model.retry_answer import Retry, RetryAnswer
from buoy.model.transition import Transition
from buoy.operations.repair import Survey
from tests.support.snapshot import Snapshot, snapshot
from tests.support.world import LEASE, World

IDS = st.sampled_from([f"job-{number}" for number in range(8)])
WORKERS = st.sampled_from(["one", "two", "three"])
OUTCOMES: list[OutcomeWord] = [
    "done",
    "done",
    "delayed",
    "failed",
    "rejected",
    "released",
    "crashed",
    "moved",
]
CLAIMS = st.one_of(
    st.tuples(st.sampled_from(["k", "m"]), st.sampled_from(["started", "finished"])),
    st.just(("newest", "latest")),
)
NUMBERS = st.tuples(st.just("tick"), st.integers(0, 9))
DUES = st.sampled_from(["", "", "", "+2000", "+60000", "0"])
MOVES = st.sampled_from([100, 1000, LEASE // 3, LEASE // 3, LEASE + 1000, 10 * LEASE, -LEASE // 2])
FREE = ("latest", *RANKS)
PLACES = st.sets(st.sampled_from(["queued", "delayed", "running", "failed"]), min_size=1)

EXAMPLES = int(os.environ.get("BUOY_LIFECYCLE", "120"))


@dataclass
class Accepted:
    """A job that was accepted and has not ended, as the model knows it."""

    payload: str
    claims: dict[str, str]
    rank: str = "normal"
    started: bool = False
    over: bool = False
    """It lies among the failed."""

    @property
    def held(self) -> set[str]:
        """The claims that it must hold now."""
        if self.over:
            return set()
        kept = {"finished"} if self.started else {"finished", "started"}
        return {key for key, until in self.claims.items() if until in kept}

    @property
    def listed(self) -> bool:
        """Whether Redis must know what it claims."""
        return bool(self.held) or (not self.over and "latest" in self.claims.values())


class Lifecycle(RuleBasedStateMachine):
    """Drives one queue; ``world`` is set by the test."""

    world: World

    @initialize()
    def begin(self) -> None:
        self.world.broker.clock_offset_ms = 0
        self.world.everywhere("FLUSHALL")
        self.accepted: dict[str, Accepted] = {}
        self.hands: dict[str, list[Reservation]] = {}
        self.tick, self.effects, self.ended = -1, 0, 0
        self.paused = False
        self.newest: str | None = None
        self.hastened: set[str] = set()
        self.serial: Iterator[int] = count(1)
        self.seen = snapshot(self.world)

    # Producers

    @rule(
        rows=st.lists(st.tuples(IDS, DUES), min_size=1, max_size=5),
        claims=st.lists(CLAIMS, max_size=2, unique_by=lambda claim: claim[0]),
        numbers=st.lists(NUMBERS, max_size=1),
        limit=st.sampled_from([None, None, 3]),
        counted=st.booleans(),
        rank=st.sampled_from(["normal", *RANKS]),
    )
    def enqueue(
        self, rows: Any, claims: Any, numbers: Any, limit: int | None, counted: bool, rank: str
    ) -> None:
        transition = Transition("mail")
        transition.claims = [[key, until] for key, until in claims] + ranked(rank)
        for name, number in numbers:
            transition.newer(name, number)
        if counted:
            transition.then("INCR", self.world.key("effects"))
        entries = [
            Entry(id, self.payload(id).encode(), "", Due.parse(due), transition) for id, due in rows
        ]
        length = len(self.seen.queued) + len(self.seen.delayed)

        answers = map(str, self.world.broker.enqueue("mail", entries, limit))

        for entry, answer in zip(entries, answers, strict=True):
            expected = self.expected(entry, dict(claims), numbers, limit, length)
            assert answer == expected, (entry, answer, expected)
            if answer in ("queued", "delayed"):
                self.accepted[entry.id] = Accepted(entry.payload.decode(), dict(claims), rank)
                self.point(entry.id)
                self.tick = max([self.tick, *(number for _, number in numbers)])
                self.effects += counted
                length += 1

    def expected(self, entry: Entry, claims: Any, numbers: Any, limit: Any, length: int) -> str:
        if self.seen.ended.get(entry.id, 0.5) % 1 == 0:  # see lua/enqueued.lua
            return "ended"
        if entry.id in self.accepted:
            return "exists"
        for key, until in claims.items():
            if until != "latest" and (holder := self.holders().get(key)):
                return f"exists {holder}"
        if any(number <= self.tick for _, number in numbers):
            return "older tick"
        if limit is not None and length >= limit:
            return f"full {length}"
        return "delayed" if entry.due.in_ms else "queued"

    def payload(self, id: str) -> str:
        return f"{id} {next(self.serial)}"

    def holders(self) -> dict[str, str]:
        held = {key: id for id, job in self.accepted.items() for key in job.held}
        return held | ({} if self.newest is None else {"newest": self.newest})

    def point(self, id: str) -> None:
        """A job is accepted, or once more: the key of the latest may point at it now."""
        if "newest" in self.accepted[id].claims:
            self.newest = id

    def end(self, id: str) -> None:
        """A job lives no longer."""
        if self.newest == id:
            self.newest = None

    # Workers

    @rule(worker=WORKERS, wanted=st.integers(0, 5), lost=st.booleans(), data=st.data())
    def advance(self, worker: str, wanted: int, lost: bool, data: st.DataObject) -> None:
        hand = self.hands.setdefault(worker, [])
        settled = data.draw(st.lists(st.sampled_from(hand), unique=True)) if hand else []
        settlements = [self.settlement(held, data) for held in settled]
        number, hands = next(self.world.numbers), len(hand) - len(settled)

        answer = self.world.trip(wanted, *settlements, worker=worker, hands=hands, number=number)

        stale = [each for each in settlements if self.seen.tokens.get(each.id) != each.token]
        assert {each.token for each in answer.refused} == {each.token for each in stale}
        for each in settlements:
            if each not in stale:
                self.settled(each)
        if lost:
            before = answer
            answer = self.world.trip(
                wanted, *settlements, worker=worker, hands=hands, number=number, again=True
            )
            if before.reservations:
                assert by_token(answer) == by_token(before)
        self.hands[worker] = [held for held in hand if held not in settled]
        self.take(worker, hands, answer)

    def settlement(self, held: Reservation, data: st.DataObject) -> Settlement:
        outcome = data.draw(st.sampled_from(OUTCOMES))
        effect = [["INCR", self.world.key("effects")]] if data.draw(st.booleans()) else []
        wait = data.draw(st.sampled_from([0.0, 2.0, 60.0])) if outcome == "delayed" else 0.0
        payload = self.payload(held.id) if outcome in ("delayed", "failed") else ""
        return Settlement.of(held, outcome, payload=payload, wait=wait, commands=effect)

    def settled(self, each: Settlement) -> None:
        self.effects += len(each.commands)
        job = self.accepted[each.id]
        if each.outcome in ("done", "rejected", "moved"):
            del self.accepted[each.id]
            self.end(each.id)
            self.ended += 1
        elif each.outcome in ("delayed", "failed"):
            job.payload, job.over = each.payload, each.outcome == "failed"
            if job.over:
                self.end(each.id)

    def take(self, worker: str, hands: int, answer: RoundTripReply) -> None:
        """Check what was handed out: it was there to be taken, is fenced, and in order."""
        given = answer.reservations
        assert not (self.paused and len(given) > len(self.again(worker, answer)))
        for held in given:
            job = self.accepted[held.id]
            assert held.payload == job.payload
            assert held.token not in self.seen.tokens.values()
            job.started = True
        if any(held.lost >= 2 for held in given):
            assert (len(given), hands, answer.state) == (1, 0, "alone")
        tokens = [int(held.token.split("@")[0]) for held in given]
        assert sorted(tokens) == sorted(set(tokens))
        assert all(token > int(self.seen.meta.get("seq", 0)) for token in tokens)
        self.hands[worker] += given

    def again(self, worker: str, answer: RoundTripReply) -> list[Reservation]:
        return [held for held in answer.reservations if held in self.hands[worker]]

    @rule(worker=WORKERS)
    def beat(self, worker: str) -> None:
        hand = self.hands.get(worker, [])

        lost = self.world.broker.renew_leases({"mail": hand})

        stale = [held for held in hand if self.seen.tokens.get(held.id) != held.token]
        assert lost == stale
        self.hands[worker] = [held for held in hand if held not in stale]

    @rule(worker=WORKERS)
    def die(self, worker: str) -> None:
        self.hands.pop(worker, None)

    @rule(milliseconds=MOVES)
    def move_clock(self, milliseconds: int) -> None:
        self.world.wait(milliseconds)

    @rule()
    def flush_scripts(self) -> None:
        self.world.everywhere("SCRIPT", "FLUSH")

    # Operators

    @rule(resume=st.booleans())
    def pause(self, resume: bool) -> None:
        changed = self.world.control.pause("mail", resume=resume)

        assert changed == (self.paused == resume)
        self.paused = not resume

    @rule(ids=st.lists(IDS, min_size=1, max_size=4), late=st.booleans())
    def retry(self, ids: list[str], late: bool) -> None:
        entries = []
        for id in dict.fromkeys(ids):
            job, failed_at = self.accepted.get(id), int(self.seen.failed.get(id, 0)) - late
            claims = [[key, until] for key, until in job.claims.items()] if job else []
            claims += ranked(job.rank) if job else []
            entries.append(Retry(id, failed_at, self.payload(id), claims))

        answers = self.world.control.retry("mail", entries)

        for (id, _, payload, held, _), answer in zip(entries, answers, strict=True):
            expected = RetryAnswer("gone")
            if id in self.seen.failed and not late:
                holders = [self.holders().get(key) for key, until in held if until not in FREE]
                holder = next((each for each in holders if each), None)
                expected = RetryAnswer("exists", holder) if holder else RetryAnswer("queued")
            assert answer == expected
            if answer.kind == "queued":
                job = self.accepted[id]
                job.payload, job.started, job.over = payload, False, False
                self.point(id)

    @rule(ids=st.lists(IDS, min_size=1, max_size=4, unique=True), places=PLACES)
    def remove(self, ids: list[str], places: set[str]) -> None:
        gone = self.world.control.remove("mail", ids, " ".join(sorted(places)))

        there = {id: "".join(self.seen.place(id)).replace("queued", "queued") for id in ids}
        assert gone == {id: place for id, place in there.items() if place in places}
        for id in gone:
            del self.accepted[id]
            self.end(id)

    @rule(ids=st.lists(IDS, min_size=1, max_size=4, unique=True), late=st.booleans())
    def reschedule(self, ids: list[str], late: bool) -> None:
        at = self.seen.now / 1000 + 60 if late else None

        moved = self.world.control.reschedule("mail", ids, at)

        assert list(moved) == [id for id in ids if id in self.seen.delayed]
        self.hastened = set() if late else set(moved)

    @rule(key=st.sampled_from(["k", "m", "newest"]))
    def release(self, key: str) -> None:
        holder = self.world.control.release("mail", key)

        assert holder == self.holders().get(key)
        if holder:
            del self.accepted[holder].claims[key]
            self.newest = None if key == "newest" else self.newest

    @rule(worker=WORKERS, ids=st.lists(IDS, min_size=1, max_size=4, unique=True))
    def take_out_of_turn(self, worker: str, ids: list[str]) -> None:
        taken = self.world.control.take("mail", ids, worker)

        there = [id for id in ids if self.seen.place(id) in (["queued"], ["delayed"])]
        assert [each.id for each in taken] == there
        for each in taken:
            assert each.payload == self.accepted[each.id].payload
            assert int(each.due or 0) == self.seen.delayed.get(each.id, 0)
        held = [Reservation(each.id, each.token, "mail", each.payload) for each in taken]
        self.hands.setdefault(worker, []).extend(held)

    # What holds after each act

    @invariant()
    def all_is_well(self) -> None:
        before, self.seen = self.seen, snapshot(self.world)
        self.every_job_is_in_one_place(self.seen)
        self.nothing_moved_too_early(before, self.seen)
        self.claims_are_held_by_those_who_must(self.seen.claims)
        self.attached_commands_were_applied_once()

    def every_job_is_in_one_place(self, seen: Snapshot) -> None:
        assert seen.jobs == {id: job.payload for id, job in self.accepted.items()}
        assert {id: len(seen.place(id)) for id in seen.jobs} == dict.fromkeys(seen.jobs, 1)
        for ids in (seen.queued, seen.leases, seen.delayed, seen.failed, seen.crashes):
            assert set(ids) <= set(seen.jobs)
        assert set(seen.tokens) == set(seen.leases)
        assert set(seen.failed) == {id for id, job in self.accepted.items() if job.over}
        assert not set(seen.ended) & set(seen.jobs)
        assert len(seen.wakeup) <= 1
        levels = [LEVELS.index(priority_in(ranked(self.accepted[id].rank))) for id in seen.queued]
        assert levels == sorted(levels)

    def nothing_moved_too_early(self, before: Snapshot, seen: Snapshot) -> None:
        for id in set(before.jobs) & set(seen.jobs):
            if (
                before.tokens.get(id)
                and seen.place(id) == ["queued"]
                and not self.settles(id, before)
            ):
                assert before.leases[id] <= seen.now
            if before.place(id) == ["delayed"] and seen.place(id) == ["queued"]:
                assert before.delayed[id] <= seen.now or id in self.hastened

    def settles(self, id: str, before: Snapshot) -> bool:
        """Whether the run is out of hand because its worker has settled it."""
        held = [each.token for hand in self.hands.values() for each in hand]
        return before.tokens[id] not in held

    def claims_are_held_by_those_who_must(self, claims: dict[str, str]) -> None:
        assert {key[1:]: id for key, id in claims.items() if key[0] == ">"} == self.holders()
        owners = {id for id, job in self.accepted.items() if job.listed}
        assert {key[1:] for key in claims if key[0] == "<"} == owners

    def attached_commands_were_applied_once(self) -> None:
        assert int(self.world.call("GET", "effects") or 0) == self.effects

    def teardown(self) -> None:
        """Whatever has happened: there is nothing to repair, and in the end all jobs are worked off
        but those that have failed."""
        assert list(Survey(self.world.broker, "mail").faults(mend=True)) == []
        self.world.control.pause("mail", resume=True)
        for _ in range(12):
            self.world.live_on(LEASE)
            while held := self.world.take(1, worker="last"):
                self.world.settle(held[0], "done")
                self.accepted.pop(held[0].id)
        left = snapshot(self.world)
        assert set(left.jobs) == set(self.accepted) == set(left.failed)
        assert (left.queued, left.tokens, left.crashes, left.claims) == ([], {}, {}, {})


def ranked(rank: str) -> list[list[str]]:
    """What a job of this priority has among its claims."""
    return [] if rank == "normal" else [[NAME, rank]]


def by_token(answer: RoundTripReply) -> set[tuple[str, str, str]]:
    return {(held.id, held.token, held.payload) for held in answer.reservations}


def test_every_job_is_in_exactly_one_place_whatever_happens(world: World) -> None:
    machine = type("LifecycleHere", (Lifecycle,), {"world": world})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=50,
            deadline=None,
            database=None,
            derandomize="CI" in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
