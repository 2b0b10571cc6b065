"""What plugins may ask about jobs in Redis, so that none of them knows the keys of the core."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..broker.script_arguments import ScriptArguments, decode_text, encode_text
from ..broker.scripts import script_steps
from ..connection.client import RawArg, RedisSteps, check_replies, single_reply
from ..model.names import is_queue
from ..model.strict_json import is_utf8
from .views import JobView, job_view

if TYPE_CHECKING:
    from ..broker.redis_access import RedisAccess
    from ..jobs.job import Job

PAGE = 500


def queue_names(app: "RedisAccess") -> RedisSteps[list[str]]:
    """Returns the names of all queues, sorted."""
    names = single_reply((yield [["SMEMBERS", app._keys.queues()]]))
    return sorted(filter(is_queue, map(decode_text, names)))


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
    return (job_view(queue, id, payload, state, detail) if state else None), values


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


def number_place(app: "RedisAccess", queue: str, name: str) -> tuple[str, str]:
    """Returns the key of a hash and the field in it, where Redis keeps the number ``name`` that
    ``newer`` compares."""
    return app._keys.part(queue, "meta"), f"newer:{name}"


def delayed_jobs(app: Any, queue: str) -> Iterator[JobView]:
    """All delayed jobs of a queue, not sorted, in pages of 500.

    Each job that is delayed from the first to the last step is listed once, while others come and
    go.
    """
    monitor, key = app.monitor, app._keys.part(queue, "delayed")
    seen: set[bytes] = set()
    cursor: Any = 0
    while True:
        cursor, found = monitor.ask(key, "ZSCAN", cursor, "COUNT", PAGE) or (0, ())
        pairs = list(zip(found[::2], found[1::2], strict=True))
        new = [pair for pair in pairs if pair[0] not in seen]
        seen.update(id for id, _ in new)
        yield from monitor.read_views(queue, new, "delayed")
        if int(cursor) == 0:
            return
