"""How long the oldest due job of a queue has waited."""

from collections.abc import Sequence
from contextlib import suppress

from ..broker.script_arguments import ScriptArguments, decode_text, parse_epoch
from ..broker.scripts import script_steps
from ..connection.client import RedisSteps
from ..errors import CorruptPayload
from ..model.payload import Payload
from .reader import Reader


def read_latencies(reader: Reader, queues: Sequence[str]) -> RedisSteps[dict[str, float]]:
    """Returns by queue the seconds since its oldest due job is due; 0.0 if none is."""
    calls = [reader.broker.script_call("latency", queue, ScriptArguments()) for queue in queues]
    replies = yield from script_steps(calls)
    return {
        queue: 0.0 if (found := reader.readable(queue, reply)) is None else latency_of(*found)
        for queue, reply in zip(queues, replies, strict=True)
    }


def latency_of(now: int, oldest: bytes, payload: bytes) -> float:
    """Returns the seconds for which a job has waited, from a reply of lua/latency.lua."""
    since = [parse_epoch(oldest)] if oldest else []
    with suppress(CorruptPayload, RecursionError):
        since += [Payload.decoded(decode_text(payload)).enqueued_at] if payload else []
    return max(0.0, now / 1000 - min(since)) if since else 0.0
