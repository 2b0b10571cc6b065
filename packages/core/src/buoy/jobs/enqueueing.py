"""The way of a job towards its queue: it is built, its hooks are asked, its caller is answered."""

from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import ClaimHeld, PayloadTooLarge, PluginError
from ..model.entry import Entry
from ..model.handle import Handle
from ..model.identity import identifier, new_id
from ..model.outcome import Deferred, Rejected
from ..model.payload import envelope, now
from ..model.signature import Arguments
from ..model.strict_json import encode
from .facts import facts
from .job import Job, spelled


def is_plain(job: type[Job]) -> bool:
    """Whether nothing is declared on the class that has a say in its enqueueing."""
    return job._findable is job and not (
        job.declared or job.identifies or job.expires or job.max_length
    )


def plain_entries(
    job: type[Job], rows: Iterable[Arguments], most: int
) -> tuple[list[Entry], list[Handle[Any]]]:
    """Plain jobs, and what their callers get once they are stored: no more is made of them."""
    entries: list[Entry] = []
    handles: list[Handle[Any]] = []
    name, queue = job.name, job.queue
    for arguments in rows:
        args, kwargs = spelled(job, arguments)
        id = new_id()
        text = encode(envelope(name, args, kwargs, id) | {"enqueued_at": now()})
        entries.append(Entry(id, fitting(name, text, most)))
        handles.append(Handle(id, identifier(name, args, kwargs), queue, "queued"))
    return entries, handles


def fitting(name: str, payload: str, most: int) -> bytes:
    """The payload as it is stored, if it has no more bytes than that."""
    stored = payload.encode()
    if len(stored) > most:
        raise PayloadTooLarge(
            f"{name}: expected a payload of at most {most} bytes, got {len(stored)}; "
            "store the data elsewhere and pass its key, or raise BUOY_MAX_PAYLOAD"
        )
    return stored


def asked_to_enter(job: Job) -> Rejected | Deferred | None:
    known = facts(job)
    known.transition.clear()
    if known.newer is not None:
        known.transition.newer(*known.newer)
    if known.claim is not None:
        known.transition.claim(known.claim)
    hooks = known.hooks()
    verdict = None if hooks is None else hooks.before_enqueue(job=job)
    if verdict is None or isinstance(verdict, Rejected | Deferred):
        return verdict
    raise PluginError(
        f"{known.payload.name}: before_enqueue: expected Rejected, Deferred or None, "
        f"got {verdict!r}"
    )


def handle_of(job: Job) -> Handle[Any]:
    known = facts(job)
    return Handle(known.id, known.identifier, known.queue, "queued")


ENDED = "it has ended; its id can be used again two minutes after that"


def handle(entered: Handle[Any], answer: str | Rejected | Deferred) -> Handle[Any]:
    """What the caller of ``enqueue`` gets for an answer of the hooks or of lua/enqueue.lua."""
    if isinstance(answer, Rejected):
        return entered._replace(state="rejected", reason=answer.reason)
    if isinstance(answer, Deferred):
        return entered._replace(state="deferred", reason=answer.reason)
    word, _, detail = answer.partition(" ")
    if word == "delayed":
        return entered._replace(state="delayed")
    if word == "older":
        reason = f"the number of {detail!r} is not newer"
        return entered._replace(state="rejected", reason=reason)
    if word == "exists":
        reason = "its claim is held" if detail else "this id is known"
        return entered._replace(state="exists", reason=reason, holder=detail or entered.id)
    if word == "ended":
        return entered._replace(state="exists", reason=ENDED)
    return entered


def insist(jobs: Sequence[Job], handles: Sequence[Handle[Any]]) -> None:
    """Raise ClaimHeld for the first job that another one keeps out, if a plugin says so."""
    for job, entered in zip(jobs, handles, strict=True):
        known = facts(job)
        if known.transition.raises_on_conflict and entered.holder not in (None, entered.id):
            raise ClaimHeld(known.payload.name, entered)
