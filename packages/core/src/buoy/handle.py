"""What ``enqueue`` answers, and how a call may be varied."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Literal, NamedTuple, TypeVar

from .canonical import is_text
from .config import expect
from .errors import InvalidArguments
from .keys import checked_queue

R = TypeVar("R")
State = Literal["queued", "delayed", "exists", "held", "rejected"]


# A tuple, since those are made fastest, and looked at by the garbage collector only once.


class Handle(NamedTuple, Generic[R]):
    """What became of an enqueueing; ``R`` is what ``perform`` returns.

    ``state``: "queued" or "delayed", it is stored; "exists", this id, or the job ``holder`` with
    the same claim, is there already; "held", a plugin will push it; "rejected", see ``reason``.
    """

    id: str
    identifier: str
    queue: str
    state: State
    reason: str | None = None
    holder: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """How one enqueueing differs from what its class says. ``due`` is what Redis is told."""

    queue: str | None = None
    delay: float | None = None
    at: float | None = None
    id: str | None = None
    newer: tuple[str, int] | None = None

    @property
    def due(self) -> str:
        """Empty for now, ``+MS`` from now, or ``MS`` since the epoch."""
        if self.at is not None:
            return str(round(self.at * 1000))
        return f"+{round(self.delay * 1000)}" if self.delay else ""


AS_DECLARED = Options()
"""As the class says."""


def options(
    queue: str | None,
    delay: float | timedelta | None,
    at: float | datetime | None,
    id: str | None,
    newer: tuple[str, int] | None = None,
) -> Options:
    """Checked options; a ``datetime`` must know its zone."""
    if delay is not None and at is not None:
        raise InvalidArguments(f"using: expected delay or at, got both ({delay!r}, {at!r})")
    if isinstance(delay, timedelta):
        delay = delay.total_seconds()
    if delay is not None:
        expect(0 <= delay < 10**10, "using(delay)", "0 or more seconds, less than 10 ** 10", delay)
    if at is not None:
        at = epoch_seconds(at, "using")
    if id is not None:
        checked_line(id, "using(id)")
    return Options(None if queue is None else checked_queue(queue), delay, at, id, newer)


def epoch_seconds(at: float | datetime, subject: str) -> float:
    """An instant in epoch seconds; a ``datetime`` must know its zone."""
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise InvalidArguments(
                f"{subject}: expected at with a time zone, got {at!r}; say at.astimezone()"
            )
        at = max(0.0, at.timestamp())  # what is past is past, however long
    expect(0 <= at < 10**10, f"{subject}(at)", "epoch seconds before the year 2286", at)
    return at


def checked_line(text: object, subject: str) -> str:
    """The text, if it can be the id of a job, or the name of a class."""
    right = isinstance(text, str) and bool(text) and "\n" not in text and is_text(text)
    expect(right, subject, "a non-empty text of one line", text)
    return str(text)
