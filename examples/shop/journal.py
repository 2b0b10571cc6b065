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
            database.add_error(job.token, type(error).__name__)
            say(job, f"failed: {type(error).__name__}: {error}")
            raise


def say(job: Job, text: str) -> None:
    """Print a line about a job, at once."""
    args, _ = job.payload.arguments()
    print(f"{label(job.name, args):24} {text}", flush=True)


def label(name: str, args: list[Any]) -> str:
    """A job as people call it: ``ChargePurchase 1001``."""
    return " ".join([name.rpartition(".")[2], *map(str, args)])
