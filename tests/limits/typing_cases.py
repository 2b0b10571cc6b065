"""Read by type checkers, never run: see tests/core/typing_cases.py."""

from collections.abc import Mapping
from typing import Any

from buoy import App, Job
from buoy_limits import Debounce, Fair, Limit, Limits, Lonely, Rate, Throttle


def domain(arguments: Mapping[str, Any]) -> str:
    return str(arguments["email"]).partition("@")[2]


class Send(Job):
    plugins = [
        Limits(Limit(at_once=50), Limit(key=domain, at_once=5), Limit(key=("a", "b"), at_once=1)),
        Rate(100, per=60, burst=10, key="account"),
        Throttle(60, key=domain),
        Debounce(5, key="account", at_most=60),
        Lonely(),
        Fair(key="account", ahead=2, name="mail"),
    ]

    def perform(self, email: str, account: int) -> None: ...


def options() -> None:
    Limit()  # type: ignore[call-arg]
    Limit(5)  # type: ignore[call-arg]
    Limit(at_once="5")  # type: ignore[arg-type]
    Limit(at_once=5, key=5)  # type: ignore[arg-type]
    Limit(at_once=5, key=lambda: 1)  # type: ignore[arg-type, misc]
    Limit(at_once=5, name=5)  # type: ignore[arg-type]
    Limit(at_once=5, until="started")  # type: ignore[call-arg]
    Limit(at_once=5).at_once = 6  # type: ignore[misc]
    Rate(5)  # type: ignore[call-arg]
    Rate(5, 60)  # type: ignore[call-arg]
    Throttle()  # type: ignore[call-arg]
    Throttle("5")  # type: ignore[arg-type]
    Throttle(5, "account")  # type: ignore[call-arg]
    Debounce()  # type: ignore[call-arg]
    Debounce(5, at_most="5")  # type: ignore[arg-type]
    Limits(5)  # type: ignore[arg-type]
    Lonely("account")  # type: ignore[call-arg]
    Fair()  # type: ignore[call-arg]
    Fair(key="account", ahead="1")  # type: ignore[arg-type]
    Fair(key=["account"])  # type: ignore[arg-type]
    App(plugins=[Limit(at_once=5)])
