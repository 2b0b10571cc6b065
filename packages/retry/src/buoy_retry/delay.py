"""How long to wait: a strategy is a value, called with (attempt, error), that answers seconds.

The attempt is the number of the run that has failed, from 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from buoy import PluginError

from .declared import check_callable, check_hashable, expect, is_number, without_defaults, wrong

LONGEST = 365 * 86_400.0
"""Seconds: no wait is longer than a year."""

Seconds = float | timedelta
Delay = Callable[[int, BaseException], Seconds]
GivenDelay = Seconds | Sequence[Seconds] | Delay
"""What may be said for a delay; ``strategy`` makes a Delay of it."""


def chance() -> float:
    """random.random, loaded when there is something to be left to chance."""
    from random import random

    return random()


@dataclass(frozen=True, repr=False)
class Strategy:
    """What all strategies have: a ``cap`` in seconds, and ``jitter``, the share of each wait, from
    0 to 1, that chance may take away, so that jobs which failed together come back apart."""

    cap: float = field(default=LONGEST, kw_only=True)
    jitter: float = field(default=0.0, kw_only=True)
    random: Callable[[], float] = field(default=chance, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        name = type(self).__name__
        self.in_seconds("cap")
        right = is_number(self.jitter) and 0 <= self.jitter <= 1
        expect(right, f"{name}(jitter)", "a share from 0 to 1", self.jitter)

    __repr__ = without_defaults

    def in_seconds(self, *names: str) -> None:
        """Check these fields; a timedelta in one is kept as the seconds that it means."""
        for name in names:
            value = getattr(self, name)
            seconds = declared_seconds(value, f"{type(self).__name__}({name})")
            if isinstance(value, timedelta):
                object.__setattr__(self, name, seconds)

    def __call__(self, attempt: int, error: BaseException) -> float:
        try:
            seconds = min(self.planned(attempt), self.cap)
        except OverflowError:
            seconds = self.cap
        return seconds * (1 - self.jitter * self.random())

    def planned(self, attempt: int) -> float:
        """Seconds to wait after this attempt, without cap and chance."""
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class Constant(Strategy):
    """The same wait each time."""

    seconds: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.in_seconds("seconds")

    def planned(self, attempt: int) -> float:
        return self.seconds


@dataclass(frozen=True, repr=False)
class Linear(Strategy):
    """Each wait longer than the one before by ``step`` seconds."""

    first: float
    step: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.in_seconds("first", "step")

    def planned(self, attempt: int) -> float:
        return self.first + self.step * float(attempt - 1)


@dataclass(frozen=True, repr=False)
class Exponential(Strategy):
    """Each wait ``factor`` times as long as the one before, at most an hour unless ``cap`` says
    otherwise; up to half of each is left to chance."""

    first: float = 15.0
    factor: float = 3.0
    cap: float = field(default=3600.0, kw_only=True)
    jitter: float = field(default=0.5, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.in_seconds("first")
        expect(self.first > 0, "Exponential(first)", "more than 0 seconds", self.first)
        right = is_number(self.factor) and self.factor >= 1
        expect(right, "Exponential(factor)", "a number of 1 or more", self.factor)

    def planned(self, attempt: int) -> float:
        return float(self.first * float(self.factor) ** float(attempt - 1))


@dataclass(frozen=True, repr=False)
class Steps(Strategy):
    """One wait after the other; the last repeats."""

    waits: Sequence[float]

    def __post_init__(self) -> None:
        super().__post_init__()
        waits = declared_waits(self.waits, "Steps(waits)")
        object.__setattr__(self, "waits", waits)

    def planned(self, attempt: int) -> float:
        return self.waits[min(max(attempt, 1), len(self.waits)) - 1]


def strategy(given: GivenDelay, subject: str) -> Delay:
    """What is said for a delay, as a value that can be called and hashed."""
    if isinstance(given, timedelta | int | float):
        return Constant(declared_seconds(given, subject))
    if isinstance(given, Sequence):
        return Steps(declared_waits(given, subject))
    if isinstance(given, type) or not callable(given):
        wanted = "seconds, a list of them, a value like Exponential(10), or a function"
        raise wrong(subject, wanted, given)
    check_callable(given, subject, "attempt", "error")
    check_hashable(given, subject)
    return given


def declared_waits(given: Any, subject: str) -> tuple[float, ...]:
    """Declared delays, at least one."""
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        raise wrong(subject, "seconds, or a list of at least one such delay", given)
    return tuple(declared_seconds(each, subject) for each in given)


def declared_seconds(value: Any, subject: str) -> float:
    """A declared number of seconds, if it can be waited for."""
    seconds: Any = value.total_seconds() if isinstance(value, timedelta) else value
    if is_number(seconds) and 0 <= seconds <= LONGEST:
        return float(seconds)
    raise wrong(subject, f"0 to {LONGEST:.0f} seconds (a year)", value)


def bounded(value: Any, subject: str) -> float:
    """A computed number of seconds, brought to what can be waited for."""
    seconds: Any = value.total_seconds() if isinstance(value, timedelta) else value
    if is_number(seconds):
        return float(min(max(seconds, 0.0), LONGEST))
    raise PluginError(f"{subject}: expected seconds, got {value!r}")
