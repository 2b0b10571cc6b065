"""What is made of what lies in Redis, whatever that is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buoy.operations.views import job_view
from buoy_status.state import ENDS, Progress, State, live, past

PAYLOAD: dict[str, Any] = {"class": "shop.Checkout", "args": [42], "id": "a", "enqueued_at": 7.5}
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
names = st.sampled_from(["state", "attempt", "result", "error", "ended_at", "done", "of", "at"])


def alive(place: str, detail: str = "", progress: str = "", **fields: Any) -> State[Any]:
    return live(job_view("mail", "a", json.dumps(PAYLOAD | fields), place, detail), progress)


class TestLive:
    @pytest.mark.parametrize(
        ("place", "attempt", "state"),
        [
            ("queued", 1, "queued"),
            ("queued", 2, "queued"),
            ("delayed", 1, "delayed"),
            ("delayed", 2, "delayed"),
            ("running", 1, "running"),
            ("running", 2, "running"),
            ("failed", 1, "failed"),
            ("failed", 2, "failed"),
        ],
    )
    def test_the_place_says_the_state(self, place: str, attempt: int, state: str) -> None:
        assert alive(place, "9000", attempt=attempt).state == state

    def test_a_time_is_when_it_is_due_or_when_it_failed(self) -> None:
        assert alive("delayed", "9000").due_at == 9.0
        assert alive("delayed", "9000", attempt=2).due_at == 9.0
        assert alive("failed", "9000").ended_at == 9.0
        assert alive("failed", "9000").due_at is None
        assert alive("running", "1:w:1").ended_at is None
        assert alive("queued").enqueued_at == 7.5

    def test_the_error_is_that_of_the_last_attempt(self) -> None:
        told = {"error": "ValueError", "message": "no such card"}

        for found in (
            alive("delayed", "9000", attempt=2, plugins={"status": told}),
            alive("running", "1:w:1", attempt=2, plugins={"status": told}),
            alive("failed", "9000", failure=told),
        ):
            assert (found.error, found.message) == ("ValueError", "no such card")

    @pytest.mark.parametrize("kept", [[], "x", None, {"error": 7, "message": []}])
    def test_what_is_no_error_is_not_told(self, kept: Any) -> None:
        found = alive("delayed", "9000", attempt=2, plugins={"status": kept})

        assert (found.state, found.error, found.message) == ("delayed", None, None)

    def test_what_is_no_payload_waits_all_the_same(self) -> None:
        assert live(job_view("mail", "a", "\x00", "queued", ""), "").state == "queued"

    def test_progress_of_a_run_that_was_lost_is_not_that_of_the_next(self) -> None:
        said = json.dumps({"token": "1:w:1", "done": 3, "of": 4, "note": None, "at": 8.5})

        assert alive("running", "1:w:1", said).progress == Progress(3, 4, None, 8.5)
        assert alive("running", "2:w:2", said).progress is None
        assert alive("failed", "9000", said).progress == Progress(3, 4, None, 8.5)

    def test_what_is_no_payload_is_shown_where_it_lies(self) -> None:
        raw = json.dumps({"raw": "\x00", "failure": {"error": "buoy.errors.CorruptPayload"}})

        found = live(job_view("mail", "a", raw, "failed", "9000"), "")

        assert (found.state, found.error) == ("failed", "buoy.errors.CorruptPayload")


class TestPast:
    def test_a_record_says_how_a_job_ended(self) -> None:
        record = {"state": "done", "attempt": 2, "result": {"cart": 42}, "ended_at": 9.5}

        assert past("a", "mail", json.dumps(record), "") == State(
            id="a", queue="mail", state="done", attempt=2, result={"cart": 42}, ended_at=9.5
        )

    def test_a_job_that_left_no_word_was_cancelled(self) -> None:
        assert past("a", "mail", "{}", "") == State(id="a", queue="mail", state="cancelled")

    def test_without_a_record_nothing_is_known(self) -> None:
        assert past("a", "mail", "", "") is None

    @pytest.mark.parametrize(
        "record", ["\x00", "[]", "7", '{"state":"queued"}', '{"state":7}', '{"state":null}']
    )
    def test_of_what_is_no_record_nothing_is_known(self, record: str) -> None:
        assert past("a", "mail", record, "") is None

    def test_fields_of_a_later_version_do_no_harm(self) -> None:
        record = '{"state":"failed","mood":"bad","id":"b","progress":7}'

        assert past("a", "mail", record, "") == State(id="a", queue="mail", state="failed")

    @given(record=st.text() | st.dictionaries(names, plain).map(json.dumps))
    def test_whatever_lies_there_an_end_or_nothing_is_told(self, record: str) -> None:
        found = past("a", "mail", record, record)

        assert found is None or (found.state in ENDS and found.ended)


class TestProgress:
    def test_a_fraction_is_told_where_there_is_a_whole(self) -> None:
        assert Progress(1, 4).fraction == 0.25
        assert Progress(5, 4).fraction == 1.0
        assert Progress(-1, 4).fraction == 0.0
        assert Progress(3).fraction is None
        assert Progress(0, 0).fraction is None

    @given(text=st.text() | st.dictionaries(names, plain).map(json.dumps))
    def test_whatever_lies_there_numbers_or_nothing_are_told(self, text: str) -> None:
        found = alive("running", "1:w:1", text).progress

        assert found is None or isinstance(found.done, int | float)
