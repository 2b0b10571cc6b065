"""What happens to a job between ``enqueue`` and Redis: hooks, payload, the answer to the caller."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ..errors import ClaimHeld, PayloadTooLarge, PluginError, QueueFull
from ..model.due import Due
from ..model.enqueue_answer import EnqueueAnswer
from ..model.entry import Entry
from ..model.handle import Code, Handle
from ..model.identity import identifier, new_id
from ..model.outcome import Deferred, Rejected
from ..model.payload import Payload, envelope, marks, now
from ..model.priority import NORMAL
from ..model.signature import Arguments
from ..model.strict_json import encode
from .building import normalized_arguments
from .facts import Facts, facts
from .job import Job
from .redacting import redact_field_named, redact_field_of
from .relay import Relay

Answer = EnqueueAnswer | Rejected | Deferred
"""What Redis, or a hook, has said about one job."""


def is_plain(job: type[Job]) -> bool:
    """Whether the class declares nothing that has a part in its enqueueing."""
    return (
        job._findable is job
        and job.priority == NORMAL
        and not (job._identifies or job.expires or job.max_length)
        and not (job._declared and sees_enqueueing(job._hooks()))
    )


def sees_enqueueing(hooks: Any) -> bool:
    """Whether one of the plugins that have these hooks has a part in an enqueueing."""
    return hooks is not None and bool(hooks.before_enqueue or hooks.after_enqueue or hooks.sealer)


def plain_entries(
    job: type[Job], rows: Iterable[Arguments], limit: int
) -> tuple[list[Entry], list[Handle[Any]]]:
    """Returns the entries of plain jobs, one for each row of arguments, and their handles.

    ``limit`` is in bytes. No objects of the class are made. Raises InvalidArguments and
    PayloadTooLarge.
    """
    entries: list[Entry] = []
    handles: list[Handle[Any]] = []
    name, queue, redact = job.name, job.queue, redact_field_of(job)
    marked = marks(job.tags, redact) if job.tags or redact else None
    for arguments in rows:
        args, kwargs = normalized_arguments(job, arguments)
        id = new_id()
        fields = envelope(name, args, kwargs, id)
        fields["enqueued_at"] = now()
        if marked:
            fields |= marked
        entries.append(Entry(id, encoded_within(limit, name, encode(fields)), name))
        handles.append(Handle(id, identifier(name, args, kwargs), queue, "queued"))
    return entries, handles


def encoded_payload(job: Job, limit: int) -> bytes:
    """Returns the payload of a job in UTF-8; raises PayloadTooLarge above ``limit`` bytes."""
    known = facts(job)
    known.payload.claims = known.transition.claims
    by_name, name = known.kind is Job, known.payload.name
    known.payload.redact = redact_field_named(name) if by_name else redact_field_of(known.kind)
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


def attach_options(known: Facts) -> None:
    """Attach to the enqueueing what the class and the call ask for; nothing else stays attached."""
    known.transition.clear()
    if known.newer is not None:
        known.transition.newer(*known.newer)
    if known.claim is not None:
        known.transition.claim(known.claim)
    if known.options.front or known.priority != NORMAL:
        known.transition.rank(known.priority, front=known.options.front)
    if known.told is not None:
        known.transition.tell_end(*known.told)
    if known.options.replace:
        known.transition.replace_same(known.app.key(known.queue, "replace"))
    for command in known.then:
        known.transition.then(*command)


def run_before_enqueue(job: Job, hooks: Relay | None) -> Rejected | Deferred | None:
    """Returns the decision of the ``before_enqueue`` hooks; None if the job is to be stored.

    Raises PluginError for any other answer of a hook.
    """
    attach_options(facts(job))
    if hooks is None or hooks.before_enqueue is None:
        return None
    verdict = hooks.before_enqueue(job=job)
    if verdict is None or isinstance(verdict, Rejected | Deferred):
        return verdict
    raise PluginError(
        f"{facts(job).payload.name}: before_enqueue: expected Rejected, Deferred or None, "
        f"got {verdict!r}"
    )


def tell_enqueued(
    jobs: Sequence[Job],
    hooks: Sequence[Relay | None],
    answers: Sequence[Answer],
    handles: Sequence[Handle[Any]],
) -> None:
    """Call ``after_enqueue`` for each job, unless its queue is full: then ``enqueue`` raises.

    This is a program of users, so only errors are caught: what ends the program, or this part of
    it, leaves it.
    """
    for job, known, answer, handle in zip(jobs, hooks, answers, handles, strict=True):
        if known is not None and known.after_enqueue is not None and not is_full(answer):
            known.after_enqueue(Exception, job=job, handle=handle)


def is_full(answer: Answer) -> bool:
    return isinstance(answer, EnqueueAnswer) and answer.kind == "full"


def raise_if_full(jobs: Sequence[Job], answers: Sequence[Answer]) -> None:
    """Raise QueueFull if the queue of these jobs was too full for one that was sent to it."""
    full = [each for each in answers if isinstance(each, EnqueueAnswer) and is_full(each)]
    limit = facts(jobs[0]).max_length if full else None
    if limit is not None:
        sent, queue = len(answers), facts(jobs[0]).queue
        raise QueueFull(queue, full[0].length, limit, sent - len(full), sent)


def queued_handle(job: Job) -> Handle[Any]:
    """Returns the handle of a job that is in its queue."""
    known = facts(job)
    return Handle(known.id, known.identifier, known.queue, "queued")


ENDED = "it has ended; its id can be used again two minutes after that"


def final_handle(handle: Handle[Any], answer: Answer) -> Handle[Any]:
    """Returns the handle as the answer of the hooks, or of Redis, changes it."""
    if isinstance(answer, Rejected):
        return replace(handle, state="rejected", reason=answer.reason, code="rejected")
    if isinstance(answer, Deferred):
        return replace(handle, state="deferred", reason=answer.reason, code="deferred")
    match answer.kind:
        case "delayed" | "blocked":
            return replace(handle, state=answer.kind)
        case "older":
            reason = f"the number of {answer.field!r} is not newer"
            return replace(handle, state="rejected", reason=reason, code="not_newer")
        case "exists" | "throttled" | "replaced" | "running":
            code, reason = why_exists(answer)
            holder = answer.holder or handle.id
            return replace(handle, state="exists", reason=reason, holder=holder, code=code)
        case "ended":
            return replace(handle, state="exists", reason=ENDED, code="ended")
    return handle


def why_exists(answer: EnqueueAnswer) -> tuple[Code, str]:
    """Returns why a job is there already, for programs and for people."""
    if answer.kind == "throttled":
        return "throttled", "such a job was enqueued too short a time ago"
    if answer.kind == "replaced":
        return "replaced", "the job that waits has its arguments now"
    if answer.kind == "running":
        return "running", "the job with this id runs, so it was not replaced"
    if answer.holder:
        return "claim_held", "its claim is held"
    return "known_id", "this id is known"


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
    facts(job).open_arguments()


def restart_times(job: Job) -> None:
    """Let the times of a job count from now: when it was enqueued, and when it expires."""
    known = facts(job)
    payload, before = known.payload, known.payload.enqueued_at
    payload.enqueued_at = now()
    if payload.expires_at is None or known.expires is None:
        return
    later = payload.expires_at + payload.enqueued_at - before
    if known.due.at_ms is not None:  # it is still due at that time, or at once
        later = payload.enqueued_at + known.expires
    payload.expires_at = round(max(payload.expires_at, later), 3)


def postpone(job: Job, seconds: float) -> None:
    """Let a job be due so many seconds after it is enqueued; it expires as much later."""
    known = facts(job)
    if known.payload.expires_at is not None:
        later = seconds - known.due.wait_ms(known.payload.enqueued_at) / 1000
        known.payload.expires_at = round(known.payload.expires_at + later, 3)
    known.due = Due(in_ms=round(seconds * 1000))
