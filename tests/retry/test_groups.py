"""Which of the kinds that are listed describes an error."""

from typing import Any

import pytest

from buoy_retry import Group, Retry, RetryAfter
from buoy_retry.groups import loaded, nearest


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
def test_its_own_class_then_groups_then_the_nearest_base(
    among: list[Any], error: BaseException, found: Any
) -> None:
    assert nearest(among, error) is found


def test_each_kind_has_its_delay() -> None:
    retry = Retry(
        limit=None, delay=99, on={OSError: 60, Refused: [1, 10], NUMBERS: 5, KeyError: None}
    )

    def waits(error: BaseException) -> list[float | None]:
        return [retry.wait(attempt, error) for attempt in (1, 2, 3)]

    assert waits(TimeoutError()) == [60, 60, 60]
    assert waits(Refused()) == [1, 10, 10]
    assert waits(ValueError("1")) == [5, 5, 5]
    assert waits(KeyError()) == [99, 99, 99]
    assert waits(ValueError()) == [None, None, None]


def test_never_wins() -> None:
    retry = Retry(5, 60, on={Exception: 1, Refused: 2}, never=(ConnectionError, NUMBERS))

    assert retry.wait(1, Refused()) is None
    assert retry.wait(1, ValueError("1")) is None
    assert retry.wait(1, ValueError("2")) == 1


def test_a_delay_may_look_at_the_attempt_and_the_error() -> None:
    retry = Retry(None, lambda attempt, error: attempt * 100 + len(str(error)))

    assert [retry.wait(n, ValueError("four")) for n in (1, 2)] == [104, 204]


class TestExceptionGroups:
    """Errors of tasks that ran beside each other come in a group."""

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
    def test_they_are_retried_if_each_error_in_them_is_after_the_longest_delay(
        self, errors: list[Exception], wait: float | None
    ) -> None:
        assert self.RETRY.wait(1, ExceptionGroup("tasks", errors)) == wait
        assert self.RETRY.wait(2, ExceptionGroup("tasks", errors)) is None

    def test_the_default_takes_them_but_not_exits(self) -> None:
        retry = Retry(1, 60)

        assert retry.wait(1, ExceptionGroup("tasks", [ValueError(), KeyError()])) == 60
        assert retry.wait(1, BaseExceptionGroup("tasks", [ValueError(), SystemExit()])) is None

    def test_a_rule_may_mean_them_as_such(self) -> None:
        both = Group("both", lambda error: isinstance(error, ExceptionGroup))

        assert Retry(1, 60, on=ExceptionGroup).wait(1, ExceptionGroup("", [ValueError()])) == 60
        assert Retry(1, 60, on=both).wait(1, ExceptionGroup("", [ValueError()])) == 60
        assert (
            Retry(1, 60, never=ExceptionGroup).wait(1, ExceptionGroup("", [ValueError()])) is None
        )


def test_classes_are_found_by_name_only_where_they_are_loaded() -> None:
    import json

    assert loaded("json.JSONDecodeError", "nowhere.at_all.Error", "json.loads", "json.Nope") == (
        json.JSONDecodeError,
    )
