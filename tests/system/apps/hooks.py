"""An app that tells when which hook is called, in which process."""

import gc
import os

from buoy import Job, hookimpl

from .record import note

note("imported")


@hookimpl
def worker_started() -> None:
    note("worker_started")


@hookimpl
def before_fork() -> None:
    note("before_fork")


@hookimpl
def after_fork() -> None:
    note("after_fork")


@hookimpl
def worker_stopping() -> None:
    note("worker_stopping")


class Tell(Job):
    """Tells what its process is like."""

    def perform(self, word: str) -> None:
        note("ran", word)
        note("frozen", str(gc.get_freeze_count() > 1000))
        note("parent", str(os.getppid()))
