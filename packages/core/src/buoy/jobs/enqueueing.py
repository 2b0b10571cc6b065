"""What happens to a job between ``enqueue`` and Redis: hooks, payload, the answer to the caller."""

from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import ClaimHeld, PayloadTooLarge, PluginError
from ..model.enqueue_answer import EnqueueAnswer
from ..model.entry import Entry
from ..model.handle import Handle
from ..model.identity import identifier, new_id
from ..model.outcome import Deferred, Rejected
from ..model.payload import Payload, envelope, now
from ..model.signature import Arguments
from ..model.strict_json import encode
from .building import normalized_arguments
from .facts import facts
from .job import Job


def is_plain(job: type[Job]) -> bool:
    """Whether the class declares nothing that has a part in its enqueueing."""
    return job._findable is job and not (
        job._declared or job._identifies or job.expires or job.max_length
    )


def plain_entries(
    job: type[Job], rows: Iterable[Arguments], limit: int
) -> tuple[list[Entry], list[Handle[Any]]]:
    """Returns the entries of plain jobs, one for each row of arguments, and their handles.

    ``limit`` is in bytes. No objects of the class are made. Raises InvalidArguments and
    PayloadTooLarge.
    """
    entries: list[Entry] = []
    handles: list[Handle[Any]] = []
    name, queue = job.name, job.queue
    for arguments in rows:
        args, kwargs = normalized_arguments(job, arguments)
        id = new_id()
        text = encode(envelope(name, args, kwargs, id) | {"enqueued_at": now()})
        entries.append(Entry(id, encoded_within(limit, name, text)))
        handles.append(Handle(id, identifier(name, args, kwargs), queue, "queued"))
    return entries, handles


def encoded_payload(job: Job, limit: int) -> bytes:
    """Returns the payload of a job in UTF-8; raises PayloadTooLarge above ``limit`` bytes."""
    known = facts(job)
    known.payload.claims = known.transition.claims
    return encoded_within(limit, known.payload.name, known.payload.encoded())


def encoded_within(limit: int, name: str, payload: str) -> bytes:
    """Returns the payload in UTF-8; raises PayloadTooLarge if that is more than ``limit`` bytes."""
    stored = payload.encode()
    if len(stored) > limit:
        raise PayloadTooLarge(
            f"{name}: expected a payload of at most {limit} bytes, got {len(stored)}; "
            "store the data elsewhere and pass its key, or raise BUOY_MAX_PAYLOAD"
        )
    return stored


def run_before_enqueue(job: Job) -> Rejected | Deferred | None:
    """Returns the decision of the ``before_enqueue`` hooks; None if the job is to be stored.

    Raises PluginError for any other answer of a hook.
    """
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


def queued_handle(job: Job) -> Handle[Any]:
    """Returns the handle of a job that is in its queue."""
    known = facts(job)
    return Handle(known.id, known.identifier, known.queue, "queued")


ENDED = "it has ended; its id can be used again two minutes after that"


def final_handle(handle: Handle[Any], answer: EnqueueAnswer | Rejected | Deferred) -> Handle[Any]:
    """Returns the handle as the answer of the hooks, or of Redis, changes it."""
    if isinstance(answer, Rejected):
        return handle._replace(state="rejected", reason=answer.reason, code="rejected")
    if isinstance(answer, Deferred):
        return handle._replace(state="deferred", reason=answer.reason, code="deferred")
    match answer.kind:
        case "delayed":
            return handle._replace(state="delayed")
        case "older":
            reason = f"the number of {answer.field!r} is not newer"
            return handle._replace(state="rejected", reason=reason, code="not_newer")
        case "exists" if answer.holder:
            reason, holder = "its claim is held", answer.holder
            return handle._replace(state="exists", reason=reason, holder=holder, code="claim_held")
        case "exists":
            reason, holder = "this id is known", handle.id
            return handle._replace(state="exists", reason=reason, holder=holder, code="known_id")
        case "ended":
            return handle._replace(state="exists", reason=ENDED, code="ended")
    return handle


def raise_if_claim_held(jobs: Sequence[Job], handles: Sequence[Handle[Any]]) -> None:
    """Raise ClaimHeld for the first job whose claim another job holds, if a plugin wants that."""
    for job, handle in zip(jobs, handles, strict=True):
        known = facts(job)
        if known.transition.raises_on_conflict and handle.code == "claim_held":
            raise ClaimHeld(known.payload.name, handle)


# For plugins that defer jobs


def freeze(job: Job) -> None:
    """Let later changes of the job's arguments have no effect on it.

    Raises an error now if the job could not be stored later: PayloadTooLarge, InvalidArguments.
    """
    limit = job.app.settings.max_payload
    facts(job).payload = Payload.decoded(encoded_payload(job, limit).decode())


def restart_times(job: Job) -> None:
    """Let the times of a job count from now: when it was enqueued, and when it expires."""
    known = facts(job)
    payload, before = known.payload, known.payload.enqueued_at
    payload.enqueued_at = now()
    if payload.expires_at is None or known.kind.expires is None:
        return
    later = payload.expires_at + payload.enqueued_at - before
    if known.due.at_ms is not None:  # it is still due at that time, or at once
        later = payload.enqueued_at + known.kind.expires
    payload.expires_at = round(max(payload.expires_at, later), 3)
