"""Jobs that the tests of buoy_status watch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from buoy import Job, Later, Plugin, hookimpl
from buoy_status import State, Status, status

inside: list[Callable[[Job], Any]] = []
"""What the next run does, put there by the test."""


@dataclass(frozen=True)
class Again(Plugin):
    """Runs a job three times, a minute apart, if its error is one that passes."""

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        return Later(60) if job.attempt < 3 and isinstance(error, ValueError) else None


@dataclass(frozen=True)
class Slips(Plugin):
    """Fails itself when it is asked what becomes of a failed job."""

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> None:
        raise RuntimeError("slip")


class Checkout(Job):
    queue = "purchasing"
    plugins = [Status()]

    def perform(self, cart_id: int, note: str = "") -> dict[str, Any]:
        """Do what the test wants."""
        returned = inside.pop()(self) if inside else None
        return {"cart": cart_id} if returned is None else returned


class Stubborn(Checkout):
    plugins = [Again()]


class Brief(Checkout):
    plugins = [Status(ttl=0.05)]


class Discreet(Checkout):
    plugins = [Status(result=False)]


class Small(Checkout):
    plugins = [Status(max_result=20)]


class Plain(Job):
    def perform(self) -> None: ...


def fail(job: Job) -> None:
    """To be put inside: the run fails."""
    raise ValueError("no such card")


def fail_for_good(job: Job) -> None:
    """To be put inside: the run fails with an error that does not pass."""
    raise KeyError("no such cart")


def told(job: Any, *args: Any, **kwargs: Any) -> State[Any]:
    """The state of a job of which something is known."""
    found = status(job, *args, **kwargs)
    assert found is not None
    return found
