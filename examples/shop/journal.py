"""A plugin of the shop's own: it keeps a journal of what was run."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from buoy import Job, Plugin, hookimpl

from . import database


@dataclass(frozen=True)
class Journal(Plugin):
    """Notes each run of a job in the books, and says so when one fails."""

    @hookimpl(wrapper=True)
    def around_perform(self, job: Job) -> Generator[None, Any, Any]:
        database.add_run(job.id, job.token)
        try:
            return (yield)
        except Exception as error:
            say(job, f"failed: {type(error).__name__}: {error}")
            raise


def say(job: Job, text: str) -> None:
    """Print a line about a job, at once."""
    print(f"{job.id:12} {text}", flush=True)
