"""Making states from the contents of Redis, valid or not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buoy.operations.views import job_view
from buoy_status.state import ENDS, Progress, State, ended_state, live_state

PAYLOAD: dict[str, Any] = {"class": "shop.Checkout", "args": [42], "id": "a", "enqueued_at": 7.5}
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
names = st.sampled_from(["state", "attempt", "result", "error", "ended_at", "done", "of", "at"])


def alive(place: str, detail: str = "", progress: str = "", **fields: Any) -> State[Any]:
    return live_state(job_view("mail", "a", json.dumps(PAYLOAD | fields), place, detail), progress)


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
    def test_the_place_determines_the_state(self, place: str, attempt: int, state: str) -> None:
        assert alive(place, "9000", attempt=attempt).state == state

    def test_the_time_of_a_place_is_due_at_or_ended_at(self) -> None:
        assert alive("delayed", "9000").due_at == 9.0
        assert alive("delayed", "9000", attempt=2).due_at == 9.0
        assert alive("failed", "9000").ended_at == 9.0
        assert alive("failed", "9000").due_at is None
        assert alive("running", "1:w:1").ended_at is None
        assert alive("queued").enqueued_at == 7.5

    def test_the_error_is_that_of_the_last_attempt(self) -> None:
        error = {"error": "ValueError", "message": "no such card"}

        for found in (
            alive("delayed", "9000", attempt=2, plugins={"status": error}),
            alive("running", "1:w:1", attempt=2, plugins={"status": error}),
            alive("failed", "9000", failure=error),
        ):
            assert (found.error, found.message) == ("ValueError", "no such card")

    @pytest.mark.parametrize("kept", [[], "x", None, {"error": 7, "message": []}])
    def test_an_invalid_stored_error_is_ignored(self, kept: Any) -> None:
        found = alive("delayed", "9000", attempt=2, plugins={"status": kept})

        assert (found.state, found.error, found.message) == ("delayed", None, None)

    def test_an_unreadable_payload_is_queued(self) -> None:
        assert live_state(job_view("mail", "a", "\x00", "queued", ""), "").state == "queued"

    def test_progress_of_a_lost_run_is_not_shown_for_the_next(self) -> None:
        progress = json.dumps({"token": "1:w:1", "done": 3, "of": 4, "note": None, "at": 8.5})

        assert alive("running", "1:w:1", progress).progress == Progress(3, 4, None, 8.5)
        assert alive("running", "2:w:2", progress).progress is None
        assert alive("failed", "9000", progress).progress == Progress(3, 4, None, 8.5)

    def test_an_unreadable_payload_has_the_state_of_its_place(self) -> None:
        raw = json.dumps({"raw": "\x00", "failure": {"error": "buoy.errors.CorruptPayload"}})

        found = live_state(job_view("mail", "a", raw, "failed", "9000"), "")

        assert (found.state, found.error) == ("failed", "buoy.errors.CorruptPayload")


class TestPast:
    def test_a_record_determines_the_ended_state(self) -> None:
        record = {"state": "done", "attempt": 2, "result": {"cart": 42}, "ended_at": 9.5}

        assert ended_state("a", "mail", json.dumps(record), "") == State(
            id="a", queue="mail", state="done", attempt=2, result={"cart": 42}, ended_at=9.5
        )

    def test_a_job_without_a_recorded_end_is_cancelled(self) -> None:
        assert ended_state("a", "mail", "{}", "") == State(id="a", queue="mail", state="cancelled")

    def test_without_a_record_there_is_no_state(self) -> None:
        assert ended_state("a", "mail", "", "") is None

    @pytest.mark.parametrize(
        "record", ["\x00", "[]", "7", '{"state":"queued"}', '{"state":7}', '{"state":null}']
    )
    def test_an_invalid_record_gives_no_state(self, record: str) -> None:
        assert ended_state("a", "mail", record, "") is None

    def test_unknown_fields_of_a_record_are_ignored(self) -> None:
        record = '{"state":"failed","mood":"bad","id":"b","progress":7}'

        assert ended_state("a", "mail", record, "") == State(id="a", queue="mail", state="failed")

    @given(record=st.text() | st.dictionaries(names, plain).map(json.dumps))
    def test_any_text_as_record_gives_an_ended_state_or_none(self, record: str) -> None:
        found = ended_state("a", "mail", record, record)

        assert found is None or (found.state in ENDS and found.ended)


class TestProgress:
    def test_fraction_needs_of(self) -> None:
        assert Progress(1, 4).fraction == 0.25
        assert Progress(5, 4).fraction == 1.0
        assert Progress(-1, 4).fraction == 0.0
        assert Progress(3).fraction is None
        assert Progress(0, 0).fraction is None

    @given(text=st.text() | st.dictionaries(names, plain).map(json.dumps))
    def test_any_text_as_progress_gives_numbers_or_none(self, text: str) -> None:
        found = alive("running", "1:w:1", text).progress

        assert found is None or isinstance(found.done, int | float)
