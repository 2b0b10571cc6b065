from typing import Any

from buoy.broker.replies import (
    join_replies,
    parse_advance_reply,
    parse_queue_statuses,
    refused_settlements,
)
from buoy.errors import Unavailable
from buoy.model.reservation import RoundTripReply, RoundTripRequest, Settlement

OUTAGE = Unavailable("away", sent=True)
A, B = Settlement("a", "1:w:1", "mail", "done"), Settlement("b", "2:w:1", "mail", "done")


def reply(now: int, refused: list[bytes], given: list[Any]) -> list[Any]:
    """As lua/advance.lua replies."""
    return [now, -1, 3, b"", refused, [], given]


class TestJoinReplies:
    def test_the_reply_to_one_call_is_taken_as_it_is(self) -> None:
        one = reply(1, [], [])

        assert join_replies([one]) is one

    def test_refusals_are_those_of_all_calls_and_all_else_is_of_the_last(self) -> None:
        first, last = (
            reply(1, [b"1:w:1"], []),
            reply(2, [b"2:w:1"], [b"c", b"3:w:1", b"{}", 0, b""]),
        )

        assert join_replies([first, last]) == reply(2, [b"1:w:1", b"2:w:1"], last[6])

    def test_one_failed_call_fails_the_request(self) -> None:
        assert join_replies([reply(1, [], []), OUTAGE]) is OUTAGE
        assert join_replies([OUTAGE, reply(1, [], [])]) is OUTAGE


class TestParseAdvanceReply:
    def parse(self, raw: Any) -> RoundTripReply:
        request = RoundTripRequest("mail", 1, 2, settlements=[A, B])
        parsed = parse_advance_reply("w", request, raw, max_crashes=3)
        assert isinstance(parsed, RoundTripReply)
        return parsed

    def test_times_are_in_seconds(self) -> None:
        assert self.parse([1500, 2500, 3, b"alone", [], [], []]) == RoundTripReply(
            now=1.5, status=(3, 2.5), state="alone", refused=[], reservations=[]
        )

    def test_a_job_is_given_up_when_it_has_lost_more_leases_than_max_crashes(self) -> None:
        given = [b"c", b"3:w:1", b"{}", 3, b"", b"d\xff", b"4:w:1", b"\xff", 4, b""]
        kept, crashed = self.parse(reply(1000, [], given)).reservations

        assert (kept.id, kept.token, kept.payload, kept.lost) == ("c", "3:w:1", "{}", 3)
        assert (kept.queue, kept.worker, kept.now, kept.crash_limit_reached) == (
            "mail",
            "w",
            1.0,
            False,
        )
        assert (crashed.id, crashed.payload, crashed.crash_limit_reached) == (
            "d\udcff",
            "\udcff",
            True,
        )

    def test_a_job_tells_since_when_it_is_due(self) -> None:
        given = [b"c", b"3:w:1", b"{}", 0, b"1500", b"d", b"4:w:1", b"{}", 0, b"-inf"]
        due, odd = self.parse(reply(2000, [], given)).reservations

        assert (due.due, due.waited(0.5)) == (1.5, 0.5)
        assert (odd.due, odd.waited(0.5)) == (0.0, 1.5)

    def test_settlements_are_found_by_their_tokens(self) -> None:
        assert self.parse(reply(1, [b"2:w:1", b"unknown"], [])).refused == [B]

    def test_an_error_stays_one(self) -> None:
        assert parse_advance_reply("w", RoundTripRequest("mail", 1), OUTAGE, 3) is OUTAGE


def test_a_repeated_request_has_no_refused_settlements() -> None:
    repeat = RoundTripRequest("mail", 1, settlements=[A], is_repeat=True)

    assert refused_settlements(repeat, [b"1:w:1"]) == []


def test_a_status_that_could_not_be_read_is_missing() -> None:
    assert parse_queue_statuses(["mail", "bulk"], [3, -1, 0, 1500]) == {
        "mail": (3, None),
        "bulk": (0, 1.5),
    }
    assert parse_queue_statuses(["mail"], OUTAGE) == {}
