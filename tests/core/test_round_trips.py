"""A worker's round trips: what they bring together, and what happens when they fail."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import pytest

from buoy.errors import BrokerError, Unavailable
from buoy.model.reservation import (
    QueueStatus,
    Reservation,
    RoundTripReply,
    RoundTripRequest,
    Settlement,
)
from buoy.worker.in_flight import InFlight
from buoy.worker.queue_selection import (
    EMPTY,
    FRESH_SECONDS,
    POLL_SECONDS,
    STALE_SECONDS,
    QueueSelector,
)
from buoy.worker.round_trips import QUEUE_CHECK, RoundTrips
from tests.support.clock import ManualClock, pauses_stand_still
from tests.support.reservations import held
from tests.support.world import done

LOST = Unavailable("the reply was lost", sent=True)


class FakeBroker:
    """Answers a round trip with what the test says; by default, with nothing to take."""

    def __init__(self) -> None:
        self.requests: list[RoundTripRequest] = []
        """Copies of all requests, in the order in which they came."""
        self.looks: list[list[str]] = []
        """The queues to look at of each round trip."""
        self.statuses: dict[str, QueueStatus] = {}
        self.answers: dict[str, RoundTripReply | BrokerError] = {}
        self.unseen: list[str] = []
        """The queues that a look leaves out."""
        self.error: BrokerError | None = None

    def advance(
        self, worker: str, requests: Sequence[RoundTripRequest], others: Sequence[str]
    ) -> tuple[list[RoundTripReply | BrokerError], dict[str, QueueStatus]]:
        self.requests += [replace(request) for request in requests]
        self.looks.append(list(others))
        if self.error is not None:
            raise self.error
        answers = [self.answers.get(each.queue, answer()) for each in requests]
        seen = [queue for queue in others if queue not in self.unseen]
        return answers, {queue: self.statuses.get(queue, EMPTY) for queue in seen}


def answer(
    *taken: Reservation,
    queued: int = 0,
    state: str = "",
    refused: Sequence[Settlement] = (),
) -> RoundTripReply:
    return RoundTripReply(5000.0, (queued, None), state, list(refused), list(taken))


@dataclass
class Setting:
    """Round trips to two queues, without Redis."""

    broker: FakeBroker
    clock: ManualClock
    selector: QueueSelector
    in_flight: InFlight
    trips: RoundTrips

    def take(self, *names: str) -> list[Reservation]:
        """Let a round trip to the queue ``mail`` bring these jobs."""
        self.selector.expect_jobs("mail")
        self.broker.answers["mail"] = answer(*held(*names))
        taken = self.trips.run_once(5)
        self.broker.answers.clear()
        self.broker.requests.clear()
        self.broker.looks.clear()
        return taken


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Setting:
    pauses_stand_still(monkeypatch)
    broker: Any = FakeBroker()
    clock = ManualClock()
    selector, in_flight = QueueSelector(clock), InFlight()
    trips = RoundTrips(broker, "one", in_flight, selector, poll_seconds=lambda: POLL_SECONDS)
    selector.serve(("mail", "pdf"))
    selector.update({}, all_seen=True)
    return Setting(broker, clock, selector, in_flight, trips)


class TestReasonsToGo:
    def test_a_worker_that_has_just_looked_and_seen_nothing_waits(self, setting: Setting) -> None:
        assert not setting.trips.has_work(5)
        assert setting.trips.seconds_to_next_look() == POLL_SECONDS

    def test_a_worker_looks_again_after_a_while(self, setting: Setting) -> None:
        setting.clock.now += POLL_SECONDS + 0.1
        assert setting.trips.has_work(5)
        assert setting.trips.seconds_to_next_look() == pytest.approx(-0.1)

        assert setting.trips.run_once(5) == []

        assert setting.broker.looks == [["mail", "pdf"]]
        assert setting.broker.requests == []
        assert not setting.trips.has_work(5)

    def test_a_worker_without_a_free_slot_does_not_look(self, setting: Setting) -> None:
        setting.clock.now += POLL_SECONDS + 0.1

        assert not setting.trips.has_work(0)

    def test_jobs_are_settled_without_a_free_slot(self, setting: Setting) -> None:
        [job] = setting.take("a")
        setting.trips.settle([done(job)])

        assert setting.trips.has_work(0)
        assert setting.trips.must_finish
        setting.trips.run_once(0)
        assert not setting.trips.must_finish
        assert setting.in_flight.counts == {"done": 1}
        assert [each.wanted for each in setting.broker.requests] == [0]

    def test_what_was_seen_is_taken_from_the_first_queue(self, setting: Setting) -> None:
        setting.broker.statuses = {"pdf": (3, None)}
        setting.selector.expire()
        setting.trips.run_once(5)

        assert setting.trips.has_work(5)
        setting.trips.run_once(5)

        assert [(each.queue, each.wanted) for each in setting.broker.requests] == [("pdf", 5)]

    def test_a_queue_of_lower_priority_is_not_chosen_by_an_old_look(self, setting: Setting) -> None:
        setting.selector.expect_jobs("pdf")
        setting.clock.now += STALE_SECONDS + 0.01
        setting.broker.statuses = {"mail": (1, None), "pdf": (1, None)}

        setting.trips.run_once(5)
        setting.trips.run_once(5)

        assert setting.broker.looks[0] == ["mail", "pdf"]
        assert [each.queue for each in setting.broker.requests] == ["mail"]

    def test_a_wakeup_without_a_free_slot_is_passed_on_once(self, setting: Setting) -> None:
        setting.trips.pass_wakeup_on("pdf")
        assert setting.trips.has_work(0)

        setting.trips.run_once(0)

        assert [(each.queue, each.wanted) for each in setting.broker.requests] == [("pdf", 0)]
        assert not setting.trips.has_work(0)


class TestOneRoundTrip:
    def test_it_settles_reserves_and_looks_at_once(self, setting: Setting) -> None:
        a, b = setting.take("a", "b")
        setting.trips.settle([done(a)])
        setting.selector.expect_jobs("pdf")
        setting.clock.now += FRESH_SECONDS + 0.001
        [c] = held("c")
        c = c._replace(queue="pdf")
        setting.broker.answers["pdf"] = answer(c, queued=7)

        assert setting.trips.run_once(4) == [c]

        mail, pdf = setting.broker.requests
        assert (mail.queue, mail.wanted, mail.settlements) == ("mail", 0, [done(a)])
        assert (pdf.queue, pdf.wanted, pdf.settlements) == ("pdf", 4, [])
        assert mail.number == pdf.number
        assert mail.in_flight == pdf.in_flight == 1  # a is as good as settled
        assert setting.broker.looks == [[]]
        assert setting.in_flight.all() == [b, c]
        assert setting.selector.statuses["pdf"] == (7, None)
        assert setting.selector.redis_now() == 5000.0

    def test_jobs_that_are_taken_count_against_the_share_of_their_queue(
        self, setting: Setting
    ) -> None:
        setting.selector.serve(("mail", "pdf"), {"mail": 2, "pdf": 1})

        setting.take("a", "b", "c")

        assert setting.selector.charges == {"mail": 1.5}

    def test_a_refused_settlement_is_logged_and_not_counted(
        self, setting: Setting, caplog: pytest.LogCaptureFixture
    ) -> None:
        [job] = setting.take("a")
        setting.trips.settle([done(job)])
        setting.broker.answers["mail"] = answer(refused=[done(job)])

        setting.trips.run_once(0)

        message = "outcome refused, the lease was lost: id=a queue=mail token=token of a"
        assert caplog.messages == [message]
        told = {"job_id": "a", "queue": "mail", "state": "lost"}
        assert told.items() <= vars(caplog.records[0]).items()
        assert (len(setting.in_flight), setting.in_flight.counts) == (0, {})

    def test_what_the_heartbeat_has_settled_meanwhile_is_not_logged_as_refused(
        self, setting: Setting, caplog: pytest.LogCaptureFixture
    ) -> None:
        [job] = setting.take("a")
        setting.trips.settle([done(job)])
        setting.in_flight.settle([done(job)], refused=[])
        setting.broker.answers["mail"] = answer(refused=[done(job)])

        setting.trips.run_once(0)

        assert caplog.messages == []
        assert setting.in_flight.counts == {"done": 1}

    def test_a_job_that_is_not_in_flight_any_more_is_not_settled(self, setting: Setting) -> None:
        a, b = setting.take("a", "b")
        setting.in_flight.remove([a])

        setting.trips.settle([done(a), done(b)])
        assert setting.trips.settlements == [done(b)]
        setting.trips.discard([b])

        assert not setting.trips.must_finish

    def test_nothing_is_taken_while_a_lone_job_waits_for_those_in_flight(
        self, setting: Setting
    ) -> None:
        [job] = setting.take("a")
        setting.trips.settle([done(job)])
        setting.broker.answers["mail"] = answer(state="alone")
        [other] = held("b")
        setting.in_flight.add([other])
        setting.trips.pass_wakeup_on("pdf")  # a second answer, which knows of no lone job
        setting.trips.run_once(0)
        assert not setting.trips.may_reserve()

        setting.in_flight.remove([other])

        assert setting.trips.may_reserve()
        setting.in_flight.add([other])
        assert setting.trips.may_reserve()


class TestFailures:
    def test_a_lost_reply_is_asked_for_again_under_its_number(self, setting: Setting) -> None:
        [job] = setting.take("a")
        setting.trips.settle([done(job)])
        setting.selector.expect_jobs("mail")
        setting.broker.answers["mail"] = LOST

        assert setting.trips.run_once(2) == []

        assert setting.trips.unanswered_tokens() == {job.token}
        assert setting.trips.must_finish
        assert not setting.trips.has_work(2)  # before the pause is over
        setting.trips.outages.backoffs["mail"].clear()
        setting.broker.answers["mail"] = answer(*held("b"))
        assert [each.id for each in setting.trips.run_once(2)] == ["b"]
        first, again = setting.broker.requests
        assert (first.is_repeat, again.is_repeat) == (False, True)
        assert replace(again, is_repeat=False) == first
        assert setting.in_flight.counts == {"done": 1}
        assert not setting.trips.must_finish

    def test_a_stop_does_not_wait_for_a_lost_reply_that_brings_no_jobs(
        self, setting: Setting
    ) -> None:
        [job] = setting.take("a")
        setting.trips.settle([done(job)])
        setting.broker.answers["mail"] = LOST

        setting.trips.run_once(0)

        assert not setting.trips.must_finish

    def test_other_queues_go_on_while_one_does_not_answer(self, setting: Setting) -> None:
        setting.selector.expect_jobs("mail")
        setting.broker.answers["mail"] = LOST
        setting.trips.run_once(2)
        setting.broker.requests.clear()

        setting.selector.expect_jobs("mail")
        setting.selector.expect_jobs("pdf")
        setting.trips.run_once(2)

        assert [each.queue for each in setting.broker.requests] == ["pdf"]
        assert set(setting.trips.unreachable) == {"mail"}

    def test_a_look_that_fails_is_tried_again_after_a_pause(self, setting: Setting) -> None:
        setting.selector.expire()
        setting.broker.error = LOST

        assert setting.trips.run_once(2) == []

        assert not setting.trips.has_work(2)
        assert setting.trips.seconds_to_next_look() == inf
        setting.trips.outages.backoffs[QUEUE_CHECK].clear()
        assert setting.trips.has_work(2)
        setting.broker.error = None
        setting.trips.run_once(2)
        assert list(setting.trips.outages.queues()) == []

    def test_a_queue_that_does_not_answer_gets_no_second_request_meanwhile(
        self, setting: Setting
    ) -> None:
        [job] = setting.take("a")
        setting.selector.expect_jobs("mail")
        setting.broker.answers["mail"] = LOST
        setting.trips.run_once(2)
        setting.trips.outages.backoffs["mail"].clear()
        setting.trips.settle([done(job)])
        setting.broker.requests.clear()

        setting.trips.run_once(2)

        assert [(each.is_repeat, each.settlements) for each in setting.broker.requests] == [
            (True, [])
        ]

    def test_a_queue_that_answers_shows_that_looks_are_possible_again(
        self, setting: Setting
    ) -> None:
        setting.trips.outages.record(QUEUE_CHECK, LOST)
        setting.selector.expect_jobs("mail")

        setting.trips.run_once(2)

        assert list(setting.trips.outages.queues()) == []

    def test_a_queue_without_a_status_is_taken_for_empty(self, setting: Setting) -> None:
        setting.selector.expect_jobs("pdf")
        setting.selector.expire()
        setting.broker.unseen = ["pdf"]

        setting.trips.run_once(2)

        assert not setting.trips.has_work(2)

    def test_queues_that_all_fail_are_not_seen(self, setting: Setting) -> None:
        setting.selector.expire()
        setting.trips.pass_wakeup_on("mail")
        setting.trips.pass_wakeup_on("pdf")
        setting.broker.answers = {"mail": LOST, "pdf": LOST}

        setting.trips.run_once(2)

        assert setting.selector.is_older_than(POLL_SECONDS)
