"""``Loner``: of jobs that are the same, one at a time."""

from dataclasses import dataclass
from typing import Literal

from buoy import ConfigurationError, Job, Plugin, hookimpl
from buoy.model.checks import expect

from .place import Key, named, place

CHOICES = {"until": ("started", "finished"), "on_conflict": ("skip", "raise")}


@dataclass(frozen=True, kw_only=True)
class Loner(Plugin):
    """Keeps a job off its queue while another one holds its place there.

    ``until``: a place is held until its job has "started", or until it has "finished" in any way.
    ``key``: names of arguments; jobs with the same values there are the same. By default those
    with the same identifier are. ``on_conflict``: with "skip" the handle tells who holds the place,
    with "raise" the error ClaimHeld does.
    """

    until: Literal["started", "finished"] = "finished"
    key: Key = None
    on_conflict: Literal["skip", "raise"] = "skip"

    def __post_init__(self) -> None:
        for field, words in CHOICES.items():
            said = getattr(self, field)
            expect(said in words, f"Loner.{field}", " or ".join(map(repr, words)), said)
        expect(
            named(self.key), "Loner.key", "the name of an argument, or a tuple of names", self.key
        )

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        own = type(job).queue
        if job.queue != own:
            raise ConfigurationError(
                f"{job.name}: Loner: expected its own queue {own!r}, got {job.queue!r}: a place is "
                "held within one queue, so the same job could be on both; give what is to run on "
                "another queue a class of its own"
            )
        job.transition.claim(place(job, self.key), self.until, self.on_conflict)
