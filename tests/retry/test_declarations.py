"""What Retry takes, and what it says of nonsense: when it is declared, not when a job fails."""

import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from buoy import ConfigurationError, DirtyExit, Job
from buoy_retry import HTTP_ERRORS, SMTP_ERRORS, Constant, Exponential, Group, Listed, Retry


def plain(job: Job, error: BaseException) -> None: ...


async def awaiting(job: Job, error: BaseException) -> None: ...


class Unhashable:
    __hash__ = None  # type: ignore[assignment]

    def __call__(self, attempt: int, error: BaseException) -> float:
        return 1


def test_the_defaults_are_five_retries_over_half_an_hour() -> None:
    retry = Retry()

    assert (retry.limit, retry.delay, retry.on) == (5, Exponential(), ((Exception, None),))
    assert (retry.never, retry.on_give_up, retry.max_snoozes) == ((), None, 1000)


def test_retry_is_a_value() -> None:
    def declared() -> Retry:
        return Retry(
            3,
            timedelta(minutes=1),
            on={TimeoutError: 5, (ConnectionError, HTTP_ERRORS): [1, 10, 60]},
            never=[KeyError],
            on_give_up=plain,
        )

    assert declared() == declared()
    assert hash(declared()) == hash(declared())
    assert declared() != Retry(3, 60)
    with pytest.raises(AttributeError):
        declared().limit = 4  # type: ignore[misc]


def test_on_accepts_a_class_several_a_group_or_delays() -> None:
    steps = Listed([1, 10])
    assert Retry(on=TimeoutError).on == ((TimeoutError, None),)
    assert Retry(on=(TimeoutError, SMTP_ERRORS)).on == ((TimeoutError, None), (SMTP_ERRORS, None))
    assert Retry(on=[KeyError]).on == ((KeyError, None),)
    assert Retry(on=HTTP_ERRORS).on == ((HTTP_ERRORS, None),)
    assert Retry(on={HTTP_ERRORS: [1, 10], KeyError: None}).on == (
        (HTTP_ERRORS, steps),
        (KeyError, None),
    )
    assert Retry(on={(KeyError, IndexError): 5}).on == (
        (KeyError, Constant(5)),
        (IndexError, Constant(5)),
    )
    assert Retry(on={SystemExit, DirtyExit}).never == ()


def test_the_repr_of_retry_has_what_differs_from_the_defaults() -> None:
    assert repr(Retry()) == "Retry()"
    assert repr(Retry(3, 60, never=KeyError)) == (
        "Retry(limit=3, delay=Constant(seconds=60.0), never=(<class 'KeyError'>,))"
    )
    assert repr(Retry(None, on={HTTP_ERRORS: 5})) == (
        "Retry(limit=None, on=((HTTP_ERRORS, Constant(seconds=5.0)),))"
    )


LIMIT = "Retry(limit): expected a number of retries, 0 or more, or None for no end, got"
DELAY = (
    "Retry(delay): expected seconds, a list of them, a value like Exponential(10), or a function"
)
YEAR = "Retry(delay): expected 0 to 31536000 seconds (a year), got"
KINDS = "expected exception classes or groups like HTTP_ERRORS, got"
SOME = "Retry(on): expected at least one exception class (limit=0 retries none), got"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"limit": -1}, f"{LIMIT} -1"),
        ({"limit": 2.5}, f"{LIMIT} 2.5"),
        ({"limit": True}, f"{LIMIT} True"),
        ({"limit": "3"}, f"{LIMIT} '3'"),
        ({"max_snoozes": -1}, "Retry(max_snoozes): expected a number, 0 or more, got -1"),
        ({"delay": -1}, f"{YEAR} -1"),
        ({"delay": float("nan")}, f"{YEAR} nan"),
        ({"delay": float("inf")}, f"{YEAR} inf"),
        ({"delay": True}, f"{YEAR} True"),
        ({"delay": timedelta(days=400)}, f"{YEAR} {timedelta(days=400)!r}"),
        ({"delay": [1, "10"]}, f"{YEAR} '10'"),
        (
            {"delay": []},
            "Retry(delay): expected seconds, or a list of at least one such delay, got []",
        ),
        (
            {"delay": "60"},
            "Retry(delay): expected seconds, or a list of at least one such delay, got '60'",
        ),
        ({"delay": None}, f"{DELAY}, got None"),
        ({"delay": {1, 2}}, f"{DELAY}, got {{1, 2}}"),
        ({"delay": Exponential}, f"{DELAY}, got {Exponential!r}"),
        ({"on": "TimeoutError"}, f"Retry(on): {KINDS} 'TimeoutError'"),
        ({"on": ValueError("no")}, f"Retry(on): {KINDS} ValueError('no')"),
        ({"on": int}, f"Retry(on): {KINDS} <class 'int'>"),
        ({"on": (KeyError, None)}, f"Retry(on): {KINDS} None"),
        ({"on": None}, f"Retry(on): {KINDS} None"),
        ({"on": ()}, f"{SOME} ()"),
        ({"on": {}}, f"{SOME} {{}}"),
        (
            {"on": {KeyError: -5}},
            "Retry(on): expected 0 to 31536000 seconds (a year), got -5",
        ),
        ({"on": {"KeyError": 5}}, f"Retry(on): {KINDS} 'KeyError'"),
        ({"never": 404}, f"Retry(never): {KINDS} 404"),
        ({"never": {KeyError: 5}}, f"Retry(never): {KINDS} {{<class 'KeyError'>: 5}}"),
        (
            {"on_give_up": "mail"},
            "Retry(on_give_up): expected a plain function of (job, error), got 'mail'",
        ),
        (
            {"on_give_up": awaiting},
            f"Retry(on_give_up): expected a plain function of (job, error), got {awaiting!r}",
        ),
        (
            {"on_give_up": len},
            f"Retry(on_give_up): expected a plain function of (job, error), got {len!r}: "
            "too many positional arguments",
        ),
    ],
)
def test_wrong_options_of_retry_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        Retry(**settings)


def test_a_delay_function_with_wrong_arguments_is_refused() -> None:
    def short(attempt: int) -> float:
        return 1

    with pytest.raises(ConfigurationError) as raised:
        Retry(delay=short)  # type: ignore[arg-type]

    assert str(raised.value) == (
        f"Retry(delay): expected a plain function of (attempt, error), got {short!r}: "
        "too many positional arguments"
    )


def test_an_unhashable_delay_function_is_refused() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Retry(delay=Unhashable())

    assert str(raised.value) == (
        "Retry(delay): expected an immutable value, got unhashable type: 'Unhashable'"
    )


def test_partials_builtins_and_lambdas_are_accepted() -> None:
    Retry(on_give_up=partial(print, "given up:"))
    Retry(on_give_up=print)
    Retry(delay=lambda attempt, error: attempt**2)
    Retry(on=Group("deadlocks", lambda error: "deadlock" in str(error)))


def test_a_group_refuses_a_function_without_an_argument() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Group("none", lambda: True)  # type: ignore[arg-type,misc]

    assert str(raised.value).startswith("Group(holds): expected a plain function of (error), got <")
