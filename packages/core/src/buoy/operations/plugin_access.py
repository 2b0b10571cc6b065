"""What plugins may ask about jobs in Redis, so that none of them knows the keys of the core."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..broker.queue_registration import names_of_queues
from ..broker.script_arguments import ScriptArguments, decode_text, encode_text
from ..broker.scripts import script_steps
from ..connection.client import RawArg, RedisSteps, check_replies, single_reply
from ..connection.twins import PageSteps, blocking_pages, pages_of
from ..model.strict_json import check_json, is_utf8
from .field_reader import scan_fields
from .job_search import newest
from .pace_reader import PaceView, ThrottleView, read_paces, read_throttles
from .permit_reader import PermitView, read_permits
from .views import ClaimView, JobView, job_view

if TYPE_CHECKING:
    from ..broker.redis_access import RedisAccess
    from ..jobs.job import Job
    from .job_access import JobAccess


def queue_names(app: "RedisAccess") -> RedisSteps[list[str]]:
    """Returns the names of all queues, sorted."""
    return (yield from names_of_queues(app._keys))


def find_job(
    app: "RedisAccess", queue: str, id: str, also: Sequence[str] = ()
) -> RedisSteps[tuple[JobView | None, list[str]]]:
    """Returns the job if the queue has it, and the values of other keys of that queue.

    ``also`` are keys of strings, made by ``app.key(queue, ...)``; all is read in one instant. The
    value of a key that does not exist is "".
    """
    if not is_utf8(id):
        return None, [""] * len(also)
    call = app.broker.script_call("find", queue, ScriptArguments([id], [*also]))
    reply = single_reply((yield from script_steps([call])))
    payload, state, detail, *values = map(decode_text, reply)
    redacted = app.settings.redacted
    view = (
        job_view(queue, id, payload, state, detail, redacted)
        if state not in ("", "ended")
        else None
    )
    return view, values


def find_jobs(
    app: "RedisAccess", places: Sequence[tuple[str, str]]
) -> RedisSteps[list[JobView | None]]:
    """Returns the job of each queue and id in ``places``, None where the queue does not have it;
    takes one round trip."""
    calls = [app.broker.script_call("find", queue, ScriptArguments([id])) for queue, id in places]
    replies = check_replies((yield from script_steps(calls)) if calls else [])
    found: list[JobView | None] = []
    for (queue, id), reply in zip(places, replies, strict=True):
        payload, state, detail = map(decode_text, reply)
        found.append(
            job_view(queue, id, payload, state, detail, app.settings.redacted)
            if payload  # a job that has ended has none
            else None
        )
    return found


def find_claims(
    app: "RedisAccess", queues: Sequence[str], prefix: str = ""
) -> RedisSteps[list[ClaimView]]:
    """Returns the claims that jobs of these queues hold and that begin with ``prefix``, not sorted;
    takes one round trip for each 500 claims of the queue that has most of them."""
    found = yield from scan_fields(app._keys, queues, "claims", f">{prefix}")
    return [
        ClaimView(prefix + decode_text(rest), decode_text(id), queue)
        for (queue, rest), id in found.items()
    ]


def find_permits(app: "RedisAccess", queues: Sequence[str]) -> RedisSteps[list[PermitView]]:
    """Returns the keys of these queues of which permits are taken, or whose limit was set, by queue
    and key; takes one round trip for each 500 claims of the queue that has most, and two more."""
    return read_permits(app._keys, queues)


def find_paces(app: "RedisAccess", queues: Sequence[str]) -> RedisSteps[list[PaceView]]:
    """Returns the paces of these queues by which a job that comes now would wait, and those that an
    operator has set; the longest wait first. Takes at most four round trips, and one more for each
    500 counts that a queue keeps."""
    return read_paces(app._keys, queues, time.time() * 1000 + app.clock_shift)


def find_throttles(app: "RedisAccess", queues: Sequence[str]) -> RedisSteps[list[ThrottleView]]:
    """Returns what throttles jobs of these queues, the longest first; takes two round trips."""
    return read_throttles(app._keys, queues, time.time() * 1000 + app.clock_shift)


def claim_holder(
    app: "RedisAccess", queue: str, claim: str, *also: Sequence[RawArg]
) -> RedisSteps[list[Any]]:
    """Returns the id of the job that holds a claim, or that ``Transition.latest`` has named last;
    None if there is none. Behind it are the replies to the commands ``also``, on keys of that
    queue, which are sent in the same round trip."""
    ask: list[RawArg] = ["HGET", app._keys.part(queue, "claims"), encode_text(f">{claim}")]
    holder, *replies = check_replies((yield [ask, *also]))
    return [None if holder is None else decode_text(holder), *replies]


def if_running(job: "Job", commands: Sequence[Sequence[RawArg]] = ()) -> RedisSteps[bool]:
    """Send these commands if this run still holds its job, in the same instant; returns whether it
    does. Commands and keys are those of ``Transition.then``. Raises BrokerError for a command that
    Redis refuses."""
    arguments = ScriptArguments([job.id, job.token])
    arguments.add_commands(commands)  # type: ignore[arg-type]  # of words without bytes
    call = job.app.broker.script_call("if_running", job.queue, arguments)
    return bool(single_reply((yield from script_steps([call]))))


def keep_plugin_data(job: "Job") -> RedisSteps[bool]:
    """Store ``job.plugin_data`` with a running job, if this run still holds it; returns whether it
    does. One command, as large as the payload of the job.

    What a run keeps so, the next run finds in ``job.plugin_data``, also after a crash. One
    exception: ``on_failure`` for a child that has died (DirtyExit) finds there what was stored when
    the run began; ``find_job`` reads what was kept since. Raises NotJson for what JSON cannot hold,
    BrokerError if Redis refuses.
    """
    check_json(job.plugin_data, f"{job.name}: job.plugin_data")
    key = job.app._keys.part(job.queue, "jobs")
    return if_running(job, [["HSET", key, job.id, job.payload.encoded()]])


def number_place(app: "RedisAccess", queue: str, name: str) -> tuple[str, str]:
    """Returns the key of a hash and the field in it, where Redis keeps the number ``name`` that
    ``newer`` compares."""
    return app._keys.part(queue, "meta"), f"newer:{name}"


@blocking_pages
def delayed_jobs(app: "JobAccess", queue: str) -> PageSteps[JobView]:
    """All delayed jobs of a queue, not sorted, in pages of 500.

    Each job that is delayed from the first to the last step is listed once, while others come and
    go.
    """
    return pages_of(newest, app.monitor, queue, "delayed")
