"""Jobs for the tests of buoy_status."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from buoy import Job, Later, Plugin, hookimpl
from buoy_status import State, Status, status

inside: list[Callable[[Job], Any]] = []
"""What the next run does; tests append a function."""


@dataclass(frozen=True)
class RetryTwice(Plugin):
    """Retries a ValueError twice, after 60 seconds each."""

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        return Later(60) if job.attempt < 3 and isinstance(error, ValueError) else None


@dataclass(frozen=True)
class FailingPlugin(Plugin):
    """Raises an error in on_failure."""

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> None:
        raise RuntimeError("slip")


class Checkout(Job):
    queue = "purchasing"
    plugins = [Status()]

    def perform(self, cart_id: int, note: str = "") -> dict[str, Any]:
        """Call the function that the test has put into ``inside``."""
        returned = inside.pop()(self) if inside else None
        return {"cart": cart_id} if returned is None else returned


class Stubborn(Checkout):
    plugins = [RetryTwice()]


class Brief(Checkout):
    plugins = [Status(ttl=0.05)]


class Discreet(Checkout):
    plugins = [Status(result=False)]


class Small(Checkout):
    plugins = [Status(max_result=20)]


class Plain(Job):
    def perform(self) -> None: ...


def fail(job: Job) -> None:
    """For ``inside``: the run fails with an error that RetryTwice retries."""
    raise ValueError("no such card")


def fail_for_good(job: Job) -> None:
    """For ``inside``: the run fails with an error that is not retried."""
    raise KeyError("no such cart")


def state_of(job: Any, *args: Any, **kwargs: Any) -> State[Any]:
    """Returns the state of a job that is known."""
    found = status(job, *args, **kwargs)
    assert found is not None
    return found
