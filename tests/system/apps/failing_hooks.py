"""An app whose hooks fail, the one that the environment names."""

import os

from buoy import Job, hookimpl

from .record import note

FAILING = os.environ.get("FAILING", "")


def fail(hook: str) -> None:
    if hook == FAILING:
        raise RuntimeError(f"{hook} has failed")


@hookimpl
def worker_started() -> None:
    fail("worker_started")


@hookimpl
def before_fork() -> None:
    fail("before_fork")


@hookimpl
def after_fork() -> None:
    fail("after_fork")


@hookimpl
def worker_stopping() -> None:
    fail("worker_stopping")


class Tell(Job):
    """Runs, and says so."""

    def perform(self, word: str) -> None:
        note("ran", word)
