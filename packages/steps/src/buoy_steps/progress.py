"""How far a job is: its steps, and the cursor in one of them. Without Redis and without a clock."""

import json
from dataclasses import dataclass, field
from typing import Any, Self

from buoy.plugins import NotJson, check_json, encode_json

from .errors import CrashedTooOften, StepsChanged, StepsError

MAX_CURSOR = 4096
"""The largest cursor, in bytes of JSON: it is written again and again."""
MAX_STEPS = 200
"""How many steps a job may have."""
MAX_NAME = 100
"""How many characters the name of a step may have."""
UNNAMED = "perform"
"""The step of a loop before the first call of ``step``."""
SMALL_INT = 2**63
MORE: dict[str, type] = {"sealed": str, "crashes": int, "lost": int, "kept": int, "kept_at": float}
"""The fields that are left out while they are empty, and their types."""


@dataclass(slots=True)
class Progress:
    """What is kept of a job between its runs."""

    done: list[str] = field(default_factory=list)
    """The steps that are done, in their order."""
    step: str | None = None
    """The step that has begun and is not done."""
    cursor: Any = None
    """Where the loop of this step goes on; None if it begins."""
    sealed: str | None = None
    """That cursor as a plugin has sealed it; ``cursor`` is ``[sealed]`` then."""
    crashes: int = 0
    """How many runs have crashed in this step."""
    lost: int = 0
    """How many of the runs that were lost in a row ``crashes`` knows of."""
    kept: int = 0
    """How often all of this was written."""
    kept_at: float = 0.0
    """When it was written last: epoch seconds, by the clock of the worker."""

    @classmethod
    def parsed(cls, stored: object) -> Self:
        """Returns what a job keeps. Raises StepsError if it is nothing that was written here."""
        match stored:
            case None:
                return cls()
            case {"done": [*done], "step": str() | None as step, "cursor": cursor, **more} if all(
                isinstance(name, str) for name in done
            ):
                known: dict[str, Any] = {name: more[name] for name in MORE if name in more}
                if all(fits(name, value) for name, value in known.items()):
                    return cls(done, step, cursor, **known)
        raise StepsError(
            'job.plugin_data["steps"]: expected what buoy-steps has written, '
            f"got {stored!r:.200}: edit the job, or enqueue it anew"
        )

    def record(self) -> dict[str, Any]:
        """Returns this as it is stored."""
        found = {"done": self.done, "step": self.step, "cursor": self.cursor}
        return found | {name: value for name in MORE if (value := getattr(self, name))}

    @property
    def names(self) -> list[str]:
        """The steps that have begun, in their order."""
        return self.done if self.step is None else [*self.done, self.step]

    def begin(self, name: str) -> None:
        """The step before is done, and this one begins."""
        if self.step is not None:
            self.done, self.crashes = [*self.done, self.step], 0
        self.step, self.cursor, self.sealed = name, None, None

    def add_crashes(self, count: int, limit: int) -> None:
        """Count runs that have crashed in this step. Raises CrashedTooOften above the limit; the
        job may then be tried again, and counts from 0."""
        self.crashes += count
        if self.crashes > limit:
            crashes, self.crashes = self.crashes, 0
            where = "the first step" if self.step is None else f"step {self.step!r}"
            raise CrashedTooOften(
                f"{where} has crashed {crashes} times (its process or its worker died), and "
                f"max_crashes is {limit}"
            )


def fits(name: str, value: object) -> bool:
    """Whether a field of ``MORE`` may have this value."""
    return type(value) is MORE[name] and (isinstance(value, str) or 0 <= value < SMALL_INT)  # type: ignore[operator]  # a number


def checked_name(name: object) -> str:
    """Returns the name of a step. Raises StepsError for anything but a short line of text."""
    if isinstance(name, str) and 0 < len(name) <= MAX_NAME and name.isprintable():
        return str(name)
    raise StepsError(
        f"step(name): expected a text of 1 to {MAX_NAME} printable characters, got {name!r:.120}"
    )


def checked_cursor(step: str | None, cursor: object) -> Any:
    """Returns a cursor as JSON will return it. Raises StepsError for a value that JSON cannot hold,
    or that is too large."""
    if type(cursor) is int and -SMALL_INT < cursor < SMALL_INT:
        return cursor
    where = f"step {step!r}: cursor"
    if cursor is None:
        raise StepsError(
            f"{where}: expected where to go on, got None, with which a loop begins: leave out rows "
            "without a cursor, or begin another step"
        )
    try:
        check_json(cursor, where)
        text = encode_json(cursor)
    except NotJson as error:
        raise StepsError(f"{error}: make the cursor of values that JSON can hold") from None
    if (size := len(text.encode())) > MAX_CURSOR:
        raise StepsError(
            f"{where}: expected at most {MAX_CURSOR} bytes of JSON, got {size}: keep where to go "
            "on, not what was done"
        )
    return json.loads(text) if isinstance(cursor, list | dict) else cursor


def copied(cursor: Any) -> Any:
    """Returns a cursor that a job may change: only ``checkpoint`` says how far it is."""
    return json.loads(encode_json(cursor)) if isinstance(cursor, list | dict) else cursor


def check_place(begun: list[str], recorded: list[str], name: str) -> None:
    """Raise an error unless this step may begin after those that this run has begun: an earlier run
    must have begun the same ones, as far as it came."""
    place = len(begun)
    if name in begun:
        raise StepsError(f"step {name!r}: expected a name that no step before it has, got it twice")
    if place >= MAX_STEPS:
        raise StepsError(f"step {name!r}: expected at most {MAX_STEPS} steps")
    if place < len(recorded) and recorded[place] != name:
        raise changed(recorded[place], f"got {name!r}")


def changed(expected: str, got: str) -> StepsChanged:
    """Returns the error for a step that an earlier run has begun, and this one has not."""
    return StepsChanged(
        f"expected step {expected!r}, which an earlier run of this job has begun, {got}: steps "
        "keep their names and their order while jobs with progress exist, and none begins within "
        "another; name it as before, or enqueue the job anew"
    )
