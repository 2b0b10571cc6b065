"""The jobs of these tests."""

from datetime import date
from typing import Any

from buoy import Job
from buoy_history import History
from buoy_loner import Loner
from buoy_retry import Constant, Retry
from buoy_sealed import Sealed, new_key
from buoy_status import Status

OLD, NEW = new_key("2026-01"), new_key("2026-07")
SECRET = "4111-1111-1111-1111"
seen: list[Any] = []


class Charge(Job):
    queue = "purchasing"
    plugins = [Sealed([NEW, OLD])]

    def perform(self, card: str, how: str = "well") -> Any:
        seen.append(card)
        if how == "fail":
            raise KeyError(card)
        return {"charged": card}


class Everything(Job):
    """With all plugins that keep something of a job."""

    queue = "purchasing"
    plugins = [
        Status(),
        History(result=True),
        Retry(1, Constant(60)),
        Loner(key="card"),
        Sealed([NEW, OLD]),
    ]
    perform = Charge.perform


class Settled(Job):
    """Its keys are those of the settings."""

    queue = "purchasing"
    plugins = [Status(), Retry(3, Constant(60)), Sealed()]
    perform = Charge.perform


class Typed(Job):
    queue = "purchasing"
    plugins = [Sealed()]

    def perform(self, day: date, *, note: str = "") -> None:
        seen.append((day, note))


class Plain(Job):
    queue = "purchasing"
    perform = Charge.perform
