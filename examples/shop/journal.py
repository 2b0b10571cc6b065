"""The shop's own plugin: it keeps a journal of all runs."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from buoy import Job, Plugin, hookimpl

from . import database


@dataclass(frozen=True)
class Journal(Plugin):
    """Records each run of a job in the database, and prints its error."""

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
    """Print a line about a job."""
    args, _ = job.payload.arguments()
    print(f"{label(job.name, args):24} {text}", flush=True)


def label(name: str, args: list[Any]) -> str:
    """Returns a short name of a job: ``ChargePurchase 1001``."""
    return " ".join([name.rpartition(".")[2], *map(str, args)])
