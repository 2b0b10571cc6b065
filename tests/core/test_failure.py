import re
import sys
from pathlib import Path
from typing import Any

import pytest

from buoy.model.failure import TRACEBACK_LIMIT, Failure
from buoy.text.safe import MESSAGE_LIMIT, shorten, summarize_error, type_name


class Unshowable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


class NoText(Exception):
    def __str__(self) -> Any:
        return 1  # noqa: PLE0307


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except type(error) as caught:
        return caught


class TestFailure:
    def test_a_failure_records_what_happened(self) -> None:
        failure = Failure.of(raised(KeyError("x")), attempt=2, worker="w", seconds=1.5)

        assert (failure.error, failure.message, failure.cause) == ("KeyError", "'x'", "exception")
        assert (failure.attempt, failure.worker, failure.seconds) == (2, "w", 1.5)
        assert failure.failed_at > 10**9
        assert failure.peak_memory > 2**20

    def test_the_record_leaves_out_what_is_empty(self) -> None:
        record = Failure.of(ValueError("no"), failed_at=1.0, peak_memory=2).record()

        assert record == {
            "error": "ValueError",
            "message": "no",
            "cause": "exception",
            "traceback": "ValueError: no\n",
            "attempt": 1,
            "failed_at": 1.0,
            "seconds": 0.0,
            "peak_memory": 2,
        }

    def test_the_traceback_begins_with_the_jobs_own_frame(self) -> None:
        def perform() -> None:
            deeper()

        def deeper() -> None:
            raise ValueError("no")

        with pytest.raises(ValueError, match="no") as caught:
            perform()
        failure = Failure.of(caught.value, perform.__code__)

        frames = re.findall(r"in (\w+)\n", failure.traceback)
        assert frames == ["perform", "deeper"]
        assert failure.traceback.endswith("ValueError: no\n")

    def test_a_cause_is_told_too(self) -> None:
        error = raised(ValueError("outer"))
        error.__cause__ = raised(KeyError("inner"))

        text = Failure.of(error).traceback

        assert "KeyError: 'inner'" in text
        assert "The above exception was the direct cause of the following exception" in text

    @pytest.mark.parametrize(
        ("error", "message"),
        [
            (Unshowable(), "(cannot be shown: RuntimeError)"),
            (NoText(), "(cannot be shown: TypeError)"),
            (ValueError("\ud800"), "\\ud800"),
            (ValueError(), ""),
            (SystemExit(3), "3"),
        ],
    )
    def test_any_exception_can_be_recorded(self, error: BaseException, message: str) -> None:
        failure = Failure.of(raised(error))

        assert failure.message == message
        failure.traceback.encode()

    def test_a_traceback_without_end_can_be_recorded(self) -> None:
        def endless() -> None:
            endless()

        with pytest.raises(RecursionError) as caught:
            endless()

        assert len(Failure.of(caught.value).traceback) < 2 * TRACEBACK_LIMIT

    def test_what_is_long_loses_its_middle(self) -> None:
        failure = Failure.of(ValueError("a" * 10**7 + "z"))

        assert len(failure.message) < MESSAGE_LIMIT + 100
        assert failure.message.startswith("aaa")
        assert failure.message.endswith("az")
        assert "\n… 9996001 characters left out …\n" in failure.message


def test_a_text_within_the_limit_is_not_cut() -> None:
    assert shorten("x" * 10, 10) == "x" * 10
    assert shorten("abcdefghijk", 10) == "abcde\n… 1 characters left out …\nghijk"


def test_classes_are_named_in_full_but_built_in_ones() -> None:
    assert type_name(KeyError) == "KeyError"
    assert type_name(Unshowable) == f"{__name__}.Unshowable"
    assert type_name(type("Mine", (), {"__module__": "__main__"})) == "Mine"


def test_an_exception_in_few_words() -> None:
    assert summarize_error(KeyError("x")) == "KeyError: 'x'"
    assert (
        summarize_error(Unshowable()) == f"{__name__}.Unshowable: (cannot be shown: RuntimeError)"
    )


def test_memory_is_told_in_bytes() -> None:
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    text = Path("/proc/self/status").read_text()
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) * 1024  # type: ignore[index]

    assert Failure.of(ValueError()).peak_memory == pytest.approx(peak, rel=0.1)


def grouped() -> BaseException:
    return ExceptionGroup("many", [ValueError(n) for n in range(100_000)])


def nested() -> BaseException:
    error: Exception = ValueError("innermost")
    for _ in range(10_000):
        error = ExceptionGroup("outermost", [error])
    return error


def chained() -> BaseException:
    first = error = ValueError("first")
    for n in range(10_000):
        error.__cause__ = error = ValueError(n)
    return first


@pytest.mark.parametrize("make", [grouped, nested, chained])
def test_errors_without_number_are_left_out(make: Any) -> None:
    error = raised(make())

    failure = Failure.of(error)

    assert failure.error in ("ExceptionGroup", "ValueError")
    first, *_, last = failure.traceback.splitlines()
    assert first == "Traceback (most recent call last):"
    assert last == summarize_error(error)
    assert "in raised" in failure.traceback
    assert failure.traceback.count("\n") < 10


def test_a_few_errors_behind_one_another_are_shown() -> None:
    error = raised(ExceptionGroup("two", [ValueError("one"), KeyError("other")]))
    error.__cause__ = OSError("behind")

    told = Failure.of(error).traceback

    assert all(text in told for text in ("two", "ValueError: one", "KeyError: 'other'", "behind"))


def test_a_class_is_named_past_its_metaclass() -> None:
    class Evil(type):
        def __getattribute__(cls, name: str) -> Any:
            raise OSError

    odd = Evil("Odd", (Exception,), {"__module__": "pkg"})
    homeless = type("Homeless", (Exception,), {"__module__": 5})

    assert type_name(odd) == "pkg.Odd"
    assert type_name(homeless) == "Homeless"
