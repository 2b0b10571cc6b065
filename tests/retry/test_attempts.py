"""What is kept in the payload of a job: limited, plain JSON, and safe against garbage there."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buoy import Job
from buoy.jobs.job import facts_of
from buoy.model.payload import Payload
from buoy_retry import Attempt, history
from buoy_retry.attempts import LENGTH, add_attempt, count_snooze, snooze_count


class Kept(Job):
    def perform(self) -> None: ...


def job(attempt: int = 1, kept: Any = None, token: str = "7:host-1-2:3") -> Job:
    plugins = {} if kept is None else {"retry": kept}
    payload = Payload(Kept.name, [], {}, "a1", attempt=attempt, plugins=plugins)
    made: Job = facts_of(Kept, payload, "mail", token).new()
    return made


def fail(job: Job, error: BaseException) -> Attempt:
    add_attempt(job, Attempt.of(job, error, at=12.3456, wait=60.0))
    json.dumps(job.plugin_data, allow_nan=False).encode()
    return history(job)[-1]


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class TestOf:
    def test_an_attempt_records_error_time_worker_and_wait(self) -> None:
        assert fail(job(3), KeyError("no")) == Attempt(
            attempt=3, at=12.346, error="KeyError", message="'no'", worker="host-1-2", wait=60.0
        )

    @pytest.mark.parametrize(
        ("error", "name", "message"),
        [
            (ValueError(), "ValueError", ""),
            (json.JSONDecodeError("bad", "x", 0), "json.decoder.JSONDecodeError", "bad: line 1"),
            (Mute(), f"{__name__}.Mute", "(cannot be shown: RuntimeError)"),
            (ValueError("half \ud800"), "ValueError", "half \\ud800"),
            (ValueError("x" * 10**6), "ValueError", "xxx"),
            (ValueError("a\nb"), "ValueError", "a\nb"),
            (ExceptionGroup("all", [ValueError("no")]), "ExceptionGroup", "all (1 sub-exception)"),
            (SyntaxError("bad", ("f.py", 1, 1, "x y", 1, 2)), "SyntaxError", "bad (f.py, line 1)"),
        ],
    )
    def test_any_error_can_be_recorded(self, error: BaseException, name: str, message: str) -> None:
        attempt = fail(job(), error)

        assert attempt.error == name
        assert attempt.message.startswith(message)
        assert len(attempt.message) <= 500

    @pytest.mark.parametrize(("token", "worker"), [("", ""), ("0:inline:0", "inline"), ("x", "")])
    def test_the_worker_is_read_from_the_token(self, token: str, worker: str) -> None:
        assert fail(job(token=token), ValueError()).worker == worker


def test_only_the_last_20_attempts_are_kept() -> None:
    kept = job()
    for number in range(1, 101):
        kept.payload.attempt = number
        fail(kept, ValueError("x" * 1000))

    assert [each.attempt for each in history(kept)] == list(range(101 - LENGTH, 101))
    assert len(json.dumps(kept.plugin_data)) < 20_000


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
RECORD = st.fixed_dictionaries(dict.fromkeys(Attempt.__dataclass_fields__, JSON))
KEPT = JSON | st.fixed_dictionaries({"history": JSON | st.lists(RECORD | JSON), "snoozes": JSON})


@given(KEPT)
def test_history_skips_garbage_and_keeps_valid_records(garbage: Any) -> None:
    kept = job(kept=garbage)
    before = history(kept)

    count_snooze(kept)
    fail(kept, ValueError("no"))

    assert history(kept)[:-1] == before[1 - LENGTH :]
    assert history(kept)[-1].message == "no"
    assert snooze_count(kept) > 0 or garbage["snoozes"] < 0


def test_unknown_fields_of_the_retry_data_stay() -> None:
    kept = job(kept={"later": "version"})
    count_snooze(kept)
    fail(kept, ValueError())

    assert kept.plugin_data["retry"]["later"] == "version"
    assert snooze_count(kept) == 1
