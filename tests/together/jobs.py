"""A job with all three plugins, in each order, for each way to hold a claim."""

from itertools import permutations
from typing import Any, ClassVar, Literal, get_args

from buoy import Job, Plugin
from buoy.errors import WorkerLost
from buoy_loner import Loner
from buoy_retry import Retry, Snooze
from buoy_status import Status

from .scene import DELAY

given_up: list[str] = []
"""Ids of the jobs for which the alarm was called."""


class Refused(Exception):
    """An error that is never retried."""


def alarm(job: Job, error: BaseException) -> None:
    given_up.append(job.id)


class Pay(Job):
    """Ends as it is told to."""

    queue = "payments"
    never: ClassVar[tuple[type[BaseException], ...]] = (Refused,)

    def perform(self, how: str = "well") -> str:
        if how == "busy":
            raise ConnectionError("the bank does not answer")
        if how == "refused":
            raise Refused("not covered")
        if how == "early":
            raise Snooze(DELAY)
        return "paid"


class Fleeting(Pay):
    expires = 5


class Wary(Pay):
    """Is not run again when it has taken its workers down."""

    never = (Refused, WorkerLost)


Until = Literal["finished", "started"]
ORDERS = [", ".join(order) for order in permutations(["Retry", "Loner", "Status"])]


def variation(base: type[Pay], order: str, until: Until) -> Any:
    """That class with the three plugins in this order."""
    plugins: dict[str, Plugin] = {
        "Retry": Retry(limit=1, delay=DELAY, never=base.never, on_give_up=alarm),
        "Loner": Loner(until=until),
        "Status": Status(),
    }
    name = f"{base.__name__}_{order.replace(', ', '_')}_{until}"
    facts = {"plugins": [plugins[each] for each in order.split(", ")], "__module__": __name__}
    return type(name, (base,), facts)


VARIATIONS = {
    (base, order, until): variation(base, order, until)
    for base in (Pay, Fleeting, Wary)
    for order in ORDERS
    for until in get_args(Until)
}
