"""``Loner``: makes the jobs of a class unique."""

from dataclasses import dataclass
from typing import Literal

from buoy import ConfigurationError, Job, Plugin, hookimpl
from buoy.plugins import expect, is_sealed

from .uniqueness import Key, claim_of, is_key

CHOICES = {"until": ("started", "finished"), "on_conflict": ("skip", "raise", "replace")}


@dataclass(frozen=True, kw_only=True)
class Loner(Plugin):
    """Makes jobs unique: a job takes a claim on its queue when it is enqueued, and the same job is
    not enqueued while that claim is held.

    ``until``: the job holds its claim until it has "started", or until it has "finished" in any
    way: done, failed, expired, removed. ``key``: the names of the arguments that are compared; by
    default two jobs are the same when they have the same identifier. ``on_conflict``: what
    ``enqueue`` does when the claim is held: "skip" returns a handle with the id of the holder,
    "raise" raises ClaimHeld; with "replace" a holder that waits gets the arguments of the new job,
    and its due time if the holder is delayed: the handle has its id, and the code "replaced".
    """

    until: Literal["started", "finished"] = "finished"
    key: Key = None
    on_conflict: Literal["skip", "raise", "replace"] = "skip"

    def __post_init__(self) -> None:
        for field, choices in CHOICES.items():
            value = getattr(self, field)
            expect(value in choices, f"Loner.{field}", " or ".join(map(repr, choices)), value)
        expect(
            is_key(self.key), "Loner.key", "the name of an argument, or a tuple of names", self.key
        )

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        own = type(job).queue
        if job.queue != own:
            raise ConfigurationError(
                f"{job.name}: Loner: expected its own queue {own!r}, got {job.queue!r}: a claim is "
                "held within one queue, so this job could be in both queues at once; write a "
                "class of its own for jobs of another queue"
            )
        if self.on_conflict == "replace" and is_sealed(job):
            raise ConfigurationError(
                f"{job.name}: Loner: expected arguments that are not sealed, or another "
                "on_conflict: what is sealed for one job cannot be given to the one that waits"
            )
        job.transition.claim(claim_of(job, self.key), self.until, self.on_conflict)
