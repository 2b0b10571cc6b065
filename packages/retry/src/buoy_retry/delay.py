"""How long to wait before the next attempt. A strategy is a value that is called with (attempt,
error) and returns seconds; ``attempt`` is the number of the run that has failed, from 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from buoy import PluginError
from buoy.plugins import expect

from .option_checks import check_callable, check_hashable, is_number, repr_without_defaults

LONGEST = 365 * 86_400.0
"""Seconds: no wait is longer than a year (365 days)."""

Seconds = float | timedelta
Delay = Callable[[int, BaseException], Seconds]
GivenDelay = Seconds | Sequence[Seconds] | Delay
"""What users may give for a delay; ``delay_strategy`` makes a Delay of it."""


def random_share() -> float:
    """Returns random.random(). The module is loaded at the first call, so that a declaration does
    not load it."""
    from random import random

    return random()


@dataclass(frozen=True, repr=False)
class Strategy:
    """Base of all strategies. ``cap`` is the longest wait in seconds. ``jitter`` is the share of
    each wait, from 0 to 1, that is left to chance, so that jobs which failed together do not run
    again together."""

    cap: float = field(default=LONGEST, kw_only=True)
    jitter: float = field(default=0.0, kw_only=True)
    random: Callable[[], float] = field(default=random_share, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        name = type(self).__name__
        self.convert_to_seconds("cap")
        right = is_number(self.jitter) and 0 <= self.jitter <= 1
        expect(right, f"{name}(jitter)", "a share from 0 to 1", self.jitter)

    __repr__ = repr_without_defaults

    def convert_to_seconds(self, *names: str) -> None:
        """Checks these fields, and replaces a timedelta by its seconds. Raises
        ConfigurationError."""
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
        """Returns the seconds to wait after this attempt, before cap and jitter are applied."""
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class Constant(Strategy):
    """Waits for ``seconds`` after each attempt."""

    seconds: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert_to_seconds("seconds")

    def planned(self, attempt: int) -> float:
        return self.seconds


@dataclass(frozen=True, repr=False)
class Linear(Strategy):
    """Waits ``first`` seconds, and after each further attempt ``step`` seconds longer."""

    first: float
    step: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert_to_seconds("first", "step")

    def planned(self, attempt: int) -> float:
        return self.first + self.step * float(attempt - 1)


@dataclass(frozen=True, repr=False)
class Exponential(Strategy):
    """Waits ``first`` seconds, and after each further attempt ``factor`` times as long, up to
    ``cap`` seconds (an hour). By default half of each wait is left to chance (``jitter``)."""

    first: float = 15.0
    factor: float = 3.0
    cap: float = field(default=3600.0, kw_only=True)
    jitter: float = field(default=0.5, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert_to_seconds("first")
        expect(self.first > 0, "Exponential(first)", "more than 0 seconds", self.first)
        right = is_number(self.factor) and self.factor >= 1
        expect(right, "Exponential(factor)", "a number of 1 or more", self.factor)

    def planned(self, attempt: int) -> float:
        return float(self.first * float(self.factor) ** float(attempt - 1))


@dataclass(frozen=True, repr=False)
class Listed(Strategy):
    """Waits for the seconds in ``waits``, one after the other; the last is repeated."""

    waits: Sequence[float]

    def __post_init__(self) -> None:
        super().__post_init__()
        waits = declared_waits(self.waits, "Listed(waits)")
        object.__setattr__(self, "waits", waits)

    def planned(self, attempt: int) -> float:
        return self.waits[min(max(attempt, 1), len(self.waits)) - 1]


def delay_strategy(given: GivenDelay, subject: str) -> Delay:
    """Returns a delay as a value that can be called and hashed. Raises ConfigurationError when it
    is none."""
    if isinstance(given, timedelta | int | float):
        return Constant(declared_seconds(given, subject))
    if isinstance(given, Sequence):
        return Listed(declared_waits(given, subject))
    wanted = "seconds, a list of them, a value like Exponential(10), or a function"
    expect(callable(given) and not isinstance(given, type), subject, wanted, given)
    check_callable(given, subject, "attempt", "error")
    check_hashable(given, subject)
    return given


def declared_waits(given: Any, subject: str) -> tuple[float, ...]:
    """Returns a declared list of delays in seconds. Raises ConfigurationError when it is empty."""
    right = isinstance(given, Sequence) and not isinstance(given, str) and len(given) > 0
    expect(right, subject, "seconds, or a list of at least one such delay", given)
    return tuple(declared_seconds(each, subject) for each in given)


def declared_seconds(value: Any, subject: str) -> float:
    """Returns a declared delay in seconds. Raises ConfigurationError unless it is 0 to a year."""
    seconds: Any = value.total_seconds() if isinstance(value, timedelta) else value
    right = is_number(seconds) and 0 <= seconds <= LONGEST
    expect(right, subject, f"0 to {LONGEST:.0f} seconds (a year)", value)
    return float(seconds)


def bounded_seconds(value: Any, subject: str) -> float:
    """Returns a computed delay in seconds, limited to 0 and a year. Raises PluginError when it is
    no number."""
    seconds: Any = value.total_seconds() if isinstance(value, timedelta) else value
    if is_number(seconds):
        return float(min(max(seconds, 0.0), LONGEST))
    raise PluginError(f"{subject}: expected seconds, got {value!r}")
