"""An app whose plugins write down what they are told, and plugins that behave badly. Tests name the
plugins in BUOY_PLUGINS."""

import os
import time
from dataclasses import dataclass

from buoy import Job, Plugin, RunInfo, hookimpl

from .record import note, wait_for

FLUSH_SECONDS = float(os.environ.get("FLUSH_SECONDS", "0"))


class Work(Job):
    def perform(self, word: str) -> None:
        note("ran", word)
        if word == "fails":
            raise ValueError(word)
        if word == "dies":
            os._exit(3)


class Unlucky(Job):
    """Makes another error of what its worker raises."""

    def perform(self, word: str) -> None:
        note("ran", word)
        try:
            wait_for("never")
        except Exception as error:
            raise KeyError(word) from error


class WorkSoon(Job):
    async def perform(self, word: str) -> None:
        note("ran", word)
        if word == "fails":
            raise ValueError(word)


@dataclass(frozen=True)
class Watch(Plugin):
    """Writes down what it is told."""

    @hookimpl
    def worker_started(self) -> None:
        note("worker_started")

    @hookimpl
    def worker_stopping(self) -> None:
        note("worker_stopping")

    @hookimpl
    def before_fork(self) -> None:
        note("before_fork")

    @hookimpl
    def after_fork(self) -> None:
        note("after_fork")

    @hookimpl
    def before_exit(self) -> None:
        note("before_exit")
        time.sleep(FLUSH_SECONDS)
        note("flushed")

    @hookimpl
    def after_reserve(self, run: RunInfo) -> None:
        note("after_reserve", run.id)

    @hookimpl
    def before_run(self, run: RunInfo) -> None:
        note("before_run", run.id)

    @hookimpl
    def after_run(self, job: Job | None, run: RunInfo) -> None:
        loaded = "" if job is not None else " not loaded"
        note("after_run", f"{run.id} {type(run.outcome).__name__}{loaded}")


class Misbehaving(Plugin):
    """Has all hooks, and does there what HOSTILE says, as "HOOK:ACT" or "all:ACT"."""

    def misbehave(self, hook: str) -> None:
        wanted, _, act = os.environ.get("HOSTILE", "").partition(":")
        if wanted not in (hook, "all"):
            return
        note("misbehaves", hook)
        match act:
            case "exit":
                os._exit(5)
            case "SystemExit":
                raise SystemExit(7)
            case "KeyboardInterrupt":
                raise KeyboardInterrupt
            case "block":
                time.sleep(10)

    @hookimpl
    def before_exit(self) -> None:
        self.misbehave("before_exit")

    @hookimpl
    def after_reserve(self) -> None:
        self.misbehave("after_reserve")

    @hookimpl
    def before_run(self) -> None:
        self.misbehave("before_run")

    @hookimpl
    def after_run(self) -> None:
        self.misbehave("after_run")
