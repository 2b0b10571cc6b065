"""What nobody would expect as the key, the name or the number of a limit."""

import math
from functools import partial
from typing import Any

import pytest

from buoy import App, ConfigurationError
from buoy.testing import drain
from buoy_limits import Limit, Limits, Lonely, Rate

from .shop import Pay
from .test_plugins import keys, states


def raises(arguments: Any) -> object:
    raise KeyError("account")


def nested(arguments: Any) -> object:
    found: list[Any] = []
    for _ in range(100_000):
        found = [found]
    return found


TAKES_ALL = (
    "expected a function that takes all arguments by their names and returns what is compared, "
)
HOLDS = "expected values that JSON can hold, "


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (raises, f"{TAKES_ALL}got KeyError: 'account'"),
        (lambda: 1, f"{TAKES_ALL}got TypeError: "),
        (nested, f"{HOLDS}got: maximum recursion depth exceeded"),
        (lambda arguments: {1}, f"{HOLDS}got: Object of type set is not JSON serializable"),
        (lambda arguments: math.nan, f"{HOLDS}got: "),
        (lambda arguments: 10**5000, f"{HOLDS}got: "),
        (lambda arguments: "\ud800", f"{HOLDS}got: 'utf-8' codec can't encode"),
    ],
    ids=["raises", "no argument", "nested", "set", "nan", "long", "surrogate"],
)
@pytest.mark.parametrize(
    "kind",
    [partial(Limit, at_once=1), partial(Rate, 1, per=1), Lonely],
    ids=["Limit", "Rate", "Lonely"],
)
def test_an_odd_function_is_a_clear_error_and_nothing_is_stored(
    buoy_app: App, kind: Any, key: Any, said: str
) -> None:
    class Keyed(Pay):
        name = "Keyed"
        plugins = [kind(key=key)]

    with pytest.raises(ConfigurationError) as raised:
        Keyed.enqueue("ann")

    text = str(raised.value)
    assert text.startswith(f"Keyed: {Keyed.plugins[0].__class__.__name__}(key={key!r}): {said}")
    assert buoy_app.command("EXISTS", buoy_app.key("purchasing", "jobs")) == 0


@pytest.mark.parametrize(
    "value", ["x" * 10**6, "a\nb\x00:{}", None, 1.5, True, [1, [2]], {"a": None}], ids=range(7)
)
def test_an_odd_value_is_compared(buoy_app: App, value: Any) -> None:
    class Keyed(Pay):
        plugins = [Limit(at_once=1, name="a}: {b", key=lambda arguments: arguments["account"])]

    assert states(Keyed, value, value, "another") == ["queued", "blocked", "queued"]
    assert all(len(key) < 300 for key in keys(buoy_app, "purchasing"))
    assert drain(buoy_app) == {"done": 3}


def test_a_function_changes_no_argument(buoy_app: App) -> None:
    def change(arguments: Any) -> object:
        arguments["account"].append("more")
        return 1

    class Keyed(Pay):
        plugins = [Limit(at_once=1, key=change)]

    view = buoy_app.find(Keyed.enqueue(["ann"]).id)

    assert view is not None
    assert view.args == [["ann"]]


def test_each_job_is_let_in_by_the_number_of_its_own_class(buoy_app: App) -> None:
    class Wide(Pay):
        plugins = [Limit(at_once=3, name="shared")]

    class Narrow(Pay):
        plugins = [Limit(at_once=1, name="shared")]

    assert states(Wide, 1, 2) == ["queued", "queued"]
    assert states(Narrow, 3) == ["blocked"]
    assert states(Wide, 4, 5) == ["queued", "blocked"]
    assert drain(buoy_app) == {"done": 5}


def test_two_limits_of_one_key_are_refused() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Limits(Limit(at_once=1, key="a"), Rate(1, per=1, key="a"), Limit(at_once=2, key="a"))

    assert str(raised.value) == (
        "Limits(...): expected limits of which each has its own key or name, "
        "got Limit(at_once=2, key='a', name=None)"
    )
