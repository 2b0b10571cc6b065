"""Which kind of a list describes an error best."""

from typing import Any

import pytest

from buoy_retry import Group, Retry, RetryAfter
from buoy_retry.error_kinds import loaded_classes, nearest_kind


class Refused(ConnectionError):
    pass


NUMBERS = Group("NUMBERS", lambda error: "1" in str(error))
REFUSED = Group("REFUSED", lambda error: isinstance(error, Refused))


@pytest.mark.parametrize(
    ("among", "error", "found"),
    [
        ([OSError, ConnectionError], Refused(), ConnectionError),
        ([ConnectionError, OSError], Refused(), ConnectionError),
        ([Exception, ConnectionError, Refused], Refused(), Refused),
        ([KeyError, ValueError], Refused(), None),
        ([NUMBERS, Exception], Refused("1"), NUMBERS),
        ([Exception, NUMBERS], Refused("1"), NUMBERS),
        ([ConnectionError, NUMBERS], Refused("1"), NUMBERS),
        ([NUMBERS, Refused], Refused("1"), Refused),
        ([NUMBERS, REFUSED], Refused("1"), NUMBERS),
        ([REFUSED, NUMBERS], Refused("1"), REFUSED),
        ([NUMBERS, ConnectionError], Refused("2"), ConnectionError),
        ([NUMBERS], Refused("2"), None),
        ([Exception], SystemExit(1), None),
        ([BaseException], SystemExit(1), BaseException),
        ([], Refused(), None),
    ],
)
def test_the_nearest_kind_is_the_own_class_then_a_group_then_a_base_class(
    among: list[Any], error: BaseException, found: Any
) -> None:
    assert nearest_kind(among, error) is found


def test_a_class_that_stands_for_another_one_is_taken_for_that() -> None:
    made = type("Refused", (Refused,), {"__stands_for__": Refused})

    assert nearest_kind([REFUSED, ConnectionError, Refused], made()) is Refused
    assert nearest_kind([REFUSED, ConnectionError], made()) is REFUSED


def test_each_kind_in_on_has_its_own_delay() -> None:
    retry = Retry(
        limit=None, delay=99, on={OSError: 60, Refused: [1, 10], NUMBERS: 5, KeyError: None}
    )

    def waits(error: BaseException) -> list[float | None]:
        return [retry.wait_seconds(attempt, error) for attempt in (1, 2, 3)]

    assert waits(TimeoutError()) == [60, 60, 60]
    assert waits(Refused()) == [1, 10, 10]
    assert waits(ValueError("1")) == [5, 5, 5]
    assert waits(KeyError()) == [99, 99, 99]
    assert waits(ValueError()) == [None, None, None]


def test_never_takes_precedence_over_on() -> None:
    retry = Retry(5, 60, on={Exception: 1, Refused: 2}, never=(ConnectionError, NUMBERS))

    assert retry.wait_seconds(1, Refused()) is None
    assert retry.wait_seconds(1, ValueError("1")) is None
    assert retry.wait_seconds(1, ValueError("2")) == 1


def test_a_delay_function_gets_the_attempt_and_the_error() -> None:
    retry = Retry(None, lambda attempt, error: attempt * 100 + len(str(error)))

    assert [retry.wait_seconds(n, ValueError("four")) for n in (1, 2)] == [104, 204]


class TestExceptionGroups:
    """A TaskGroup raises the errors of its tasks as one group."""

    RETRY = Retry(1, on={TimeoutError: 5, ConnectionError: 60}, never=Refused)

    @pytest.mark.parametrize(
        ("errors", "wait"),
        [
            ([TimeoutError()], 5),
            ([TimeoutError(), ConnectionError()], 60),
            ([TimeoutError(), ExceptionGroup("", [ConnectionError(), TimeoutError()])], 60),
            ([TimeoutError(), RetryAfter(300)], 300),
            ([TimeoutError(), ValueError()], None),
            ([TimeoutError(), Refused()], None),
            ([ExceptionGroup("", [ValueError()])], None),
        ],
    )
    def test_an_exception_group_is_retried_after_the_longest_delay_if_all_its_errors_are(
        self, errors: list[Exception], wait: float | None
    ) -> None:
        assert self.RETRY.wait_seconds(1, ExceptionGroup("tasks", errors)) == wait
        assert self.RETRY.wait_seconds(2, ExceptionGroup("tasks", errors)) is None

    def test_by_default_an_exception_group_with_an_exit_is_not_retried(self) -> None:
        retry = Retry(1, 60)

        assert retry.wait_seconds(1, ExceptionGroup("tasks", [ValueError(), KeyError()])) == 60
        assert (
            retry.wait_seconds(1, BaseExceptionGroup("tasks", [ValueError(), SystemExit()])) is None
        )

    def test_a_rule_can_be_for_exception_groups_as_a_whole(self) -> None:
        both = Group("both", lambda error: isinstance(error, ExceptionGroup))

        assert (
            Retry(1, 60, on=ExceptionGroup).wait_seconds(1, ExceptionGroup("", [ValueError()]))
            == 60
        )
        assert Retry(1, 60, on=both).wait_seconds(1, ExceptionGroup("", [ValueError()])) == 60
        assert (
            Retry(1, 60, never=ExceptionGroup).wait_seconds(1, ExceptionGroup("", [ValueError()]))
            is None
        )


def test_loaded_classes_skips_modules_that_are_not_loaded() -> None:
    import json

    assert loaded_classes(
        "json.JSONDecodeError", "nowhere.at_all.Error", "json.loads", "json.Nope"
    ) == (json.JSONDecodeError,)
