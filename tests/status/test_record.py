"""Which results are kept, and why others are missing."""

import json
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buoy import Job
from buoy.jobs.job import facts_of
from buoy.model.payload import Payload
from buoy_status import record
from buoy_status.state import ended_state

from .shop import Checkout


class Mood(StrEnum):
    GOOD = "good"


class Odd(dict[str, int]):
    def items(self) -> Any:
        raise RuntimeError("no")


def job() -> Job:
    payload = Payload(Checkout.name, [42], {}, "a", enqueued_at=5.0, attempt=3)
    made: Job = facts_of(Checkout, payload, "mail").new()
    return made


def kept(result: Any, limit: int = 100) -> dict[str, Any]:
    facts = json.loads(record.done(job(), 6.0, result, limit))
    assert isinstance(facts, dict)
    return facts


@pytest.mark.parametrize("result", [None, True, 7, 1.5, "ü", [1, [2]], {"a": {"b": None}}])
def test_a_result_that_json_can_hold_is_kept(result: Any) -> None:
    facts = kept(result)

    assert facts["result"] == result
    assert "missing" not in facts


@pytest.mark.parametrize(
    ("result", "missing"),
    [
        ((1, 2), "result: expected str, int, float, bool, None, list or dict, got tuple"),
        (b"x", "result: expected str, int, float, bool, None, list or dict, got bytes"),
        (Mood.GOOD, "result: expected str, int, float, bool, None, list or dict, got Mood"),
        ([{"a": {1}}], 'result, [0]["a"]: expected str, int, float, bool, None, list or dict, '
         "got set"),
        ({7: 1}, "result: expected str as keys, got int 7"),
        (float("nan"), "result: expected a finite number, got nan"),
        ("\ud800", "result: expected text that UTF-8 can hold, got '\\ud800'"),
        (
            "x" * 99,
            "result: expected at most 100 bytes of JSON, got 101; "
            "store it elsewhere and return its key, or raise max_result",
        ),
    ],
)  # fmt: skip
def test_a_result_that_json_would_change_is_missing_and_the_job_is_done(
    result: Any, missing: str
) -> None:
    facts = kept(result)

    assert (facts["state"], facts["missing"]) == ("done", missing)
    assert "result" not in facts


def test_a_result_that_contains_itself_is_missing() -> None:
    endless: list[Any] = []
    endless.append(endless)

    assert kept(endless)["missing"].endswith("at most 100 levels of lists and dicts, got more")


def test_a_result_that_raises_while_it_is_encoded_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("dictionary changed size during iteration")

    monkeypatch.setattr(record, "check_json", fail)

    assert kept({})["missing"] == "result: expected what JSON can hold, got RuntimeError"


def test_max_result_counts_bytes_of_json() -> None:
    assert "result" in kept("ü" * 49)
    assert kept("ü" * 50)["missing"].startswith("result: expected at most 100 bytes of JSON, got 1")


@given(result=st.recursive(st.integers() | st.text(), st.lists))
def test_any_record_is_parsed_back_unchanged(result: Any) -> None:
    text = record.done(job(), 6.0, result, 10**6)

    found = ended_state("a", "mail", text, "")

    assert found is not None
    assert (found.state, found.result, found.attempt) == ("done", result, 3)
    assert (found.enqueued_at, found.started_at) == (5.0, 6.0)


def test_a_recorded_error_is_that_of_the_failed_set() -> None:
    found = ended_state("a", "mail", record.failed(job(), KeyError("x" * 9000)), "")

    assert found is not None
    assert (found.state, found.error, found.attempt) == ("failed", "KeyError", 3)
    assert found.message is not None
    assert "characters left out" in found.message


def test_an_error_that_cannot_be_formatted_is_recorded() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError("no")

    assert record.error_fields(Mute())["message"] == "(cannot be shown: ValueError)"
