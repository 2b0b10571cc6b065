"""Jobs with limits, which notice if more of them run than there may."""

import fcntl
import time
from dataclasses import dataclass
from typing import IO

from buoy import DirtyExit, Job, Later, Plugin, hookimpl
from buoy_limits import Fair, Limit, Lonely

from .record import RECORD, note

AT_ONCE = 2


@dataclass(frozen=True)
class Undaunted(Plugin):
    """Has jobs whose child was killed run again, as often as it happens."""

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        return Later(0.01) if isinstance(error, DirtyExit) else None


class Work(Job):
    """Takes one of the places that there are of its kind; notes if there is none.

    The kernel knows who holds a place, whoever is killed. A run of the same job that has lost its
    lease unawares, on a busy machine, is no other one: its end is waited for.
    """

    plugins = [Limit(key="word", at_once=AT_ONCE), Undaunted()]
    places = AT_ONCE

    def perform(self, word: str, number: int) -> None:
        with opened(self.id) as mine:
            fcntl.flock(mine, fcntl.LOCK_EX)
            place = next(filter(is_free, places(self, word)), None)
            if place is None:
                note("too many", word)
            note("began", f"{word} {number}")
            time.sleep(0.02)
            note("ran", f"{word} {number}")


class Ordered(Work):
    """One at a time, in order."""

    plugins = [Lonely(key="word")]
    places = 1


class Turn(Work):
    plugins = [Fair(key="word")]
    places = 99


def places(job: Work, word: str) -> list[IO[str]]:
    names = [f"{type(job).__name__}-{word}-{number}" for number in range(type(job).places)]
    return [opened(name) for name in names]


def is_free(place: IO[str]) -> bool:
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def opened(name: str) -> IO[str]:
    return (RECORD.parent / f"lock-{name}").open("w")
