"""The way of a job towards its queue: it is built, its hooks are asked, its caller is answered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .errors import ClaimHeld, PluginError
from .handle import Handle, Options
from .job import Job, built
from .outcome import Held, Rejected

Row = tuple[Sequence[Any], Mapping[str, Any]]
"""The arguments of one job."""


def built_rows(job: type[Job], rows: Iterable[Row], options: Options) -> list[Job]:
    return [built(job, (list(args), dict(named)), options) for args, named in rows]


def asked_to_enter(job: Job) -> Rejected | Held | None:
    job.transition.clear()
    if job.newer is not None:
        job.transition.newer(*job.newer)
    if job.claim is not None:
        job.transition.claim(job.claim)
    hooks = job.hooks()
    verdict = None if hooks is None else hooks.before_enqueue(job=job)
    if verdict is None or isinstance(verdict, Rejected | Held):
        return verdict
    raise PluginError(
        f"{job.payload.name}: before_enqueue: expected Rejected, Held or None, got {verdict!r}"
    )


def handle_of(job: Job) -> Handle[Any]:
    return Handle(job.id, job.identifier, job.queue, "queued")


def handle(entered: Handle[Any], answer: str | Rejected | Held) -> Handle[Any]:
    """What the caller of ``enqueue`` gets for an answer of the hooks or of lua/enqueue.lua."""
    if isinstance(answer, Rejected):
        return replace(entered, state="rejected", reason=answer.reason)
    if isinstance(answer, Held):
        return replace(entered, state="held", reason=answer.reason)
    word, _, detail = answer.partition(" ")
    if word == "delayed":
        return replace(entered, state="delayed")
    if word == "older":
        return replace(entered, state="rejected", reason=f"the number of {detail!r} is not newer")
    if word == "exists":
        reason = "its claim is held" if detail else "this id is known"
        return replace(entered, state="exists", reason=reason, holder=detail or entered.id)
    return entered


def insist(jobs: Sequence[Job], handles: Sequence[Handle[Any]]) -> None:
    """Raise ClaimHeld for the first job that another one keeps out, if a plugin says so."""
    for job, entered in zip(jobs, handles, strict=True):
        if job.transition.insists and entered.holder not in (None, entered.id):
            raise ClaimHeld(job.payload.name, entered)
