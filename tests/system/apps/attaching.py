"""Jobs with a plugin that decides and attaches."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from buoy import Job, Later, Plugin, hookimpl


@dataclass(frozen=True)
class Account(Plugin):
    """One job of a kind at a time; keeps count of runs and failures, in step with the jobs."""

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        job.transition.claim(f"account:{job.payload.args[0]}")

    @hookimpl(wrapper=True)
    def around_perform(self, job: Job) -> Iterator[None]:
        job.transition.then("HINCRBY", job.app.key(job.queue, "account"), "begun", 1)
        result = yield
        job.transition.then("HINCRBY", job.app.key(job.queue, "account"), "done", 1)
        return result

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        failures = job.plugin_data.setdefault("account", {"failures": 0})
        failures["failures"] += 1
        job.transition.then(
            "HSET", job.app.key(job.queue, "account"), type(error).__name__, failures["failures"]
        )
        return Later(0.05) if job.attempt < 3 else None


class Booked(Job):
    plugins = [Account()]

    def perform(self, kind: str) -> None:
        if kind == "raise":
            raise ValueError(kind)
        if kind == "die":
            os._exit(1)
