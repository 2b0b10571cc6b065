"""The replies of scripts as values."""

from collections.abc import Sequence
from typing import Any

from ..errors import BrokerError
from ..model.reservation import (
    QueueStatus,
    Reservation,
    RoundTripReply,
    RoundTripRequest,
    Settlement,
)
from ..process.logs import Log
from .script_arguments import decode_text, parse_epoch, to_seconds

logger = Log("buoy.broker")


def parse_advance_reply(
    worker: str, request: RoundTripRequest, reply: Any, max_crashes: int
) -> RoundTripReply | BrokerError:
    """The reply of lua/advance.lua; an error as it is. Logs refused commands of plugins."""
    if isinstance(reply, BrokerError):
        return reply
    now, due, length, state, refused, refusals, given, *to_hand_over = reply
    log_refused_commands(request.queue, refusals)
    rows = [given[n : n + 5] for n in range(0, len(given), 5)]
    return RoundTripReply(
        now=now / 1000,
        status=(length, to_seconds(due)),
        state=state.decode(),
        refused=refused_settlements(request, refused) if refused else [],
        reservations=[
            Reservation(
                id=id.decode(errors="surrogateescape"),
                token=token.decode(errors="surrogateescape"),
                queue=request.queue,
                payload=(payload or b"").decode(errors="surrogateescape"),
                lost=max(lost, 0),
                now=now / 1000,
                worker=worker,
                crash_limit_reached=lost > max_crashes,
                due=parse_epoch(since) if since else 0.0,
                begun=lost != 0,
            )
            for id, token, payload, lost, since in rows
        ],
        handovers=sum(to_hand_over),
    )


def refused_settlements(request: RoundTripRequest, tokens: Sequence[bytes]) -> list[Settlement]:
    """The settlements that were refused, by their tokens.

    None for a repeated request: its first try may have applied them.
    """
    if request.is_repeat:
        return []
    by_token = {each.token: each for each in request.settlements}
    return [by_token[token] for token in map(decode_text, tokens) if token in by_token]


def log_refused_commands(queue: str, refusals: Sequence[bytes]) -> None:
    """Log why Redis refused commands that plugins had attached; the rest was applied."""
    for refusal in refusals:
        text = decode_text(refusal)
        logger.error("queue=%s a plugin's command was refused by Redis: %s", queue, text)


def join_replies(replies: Sequence[Any]) -> Any:
    """One reply for a request, from the replies to its calls; the first error if one failed."""
    errors = [reply for reply in replies if isinstance(reply, BrokerError)]
    if errors or len(replies) == 1:
        return [*errors, *replies][0]
    lists = ([item for reply in replies for item in reply[n]] for n in (4, 5))
    given, handovers = replies[-1][6], [reply[7] for reply in replies if len(reply) > 7]
    return [*replies[-1][:4], *lists, given, *handovers]


def parse_queue_statuses(queues: Sequence[str], reply: Any) -> dict[str, QueueStatus]:
    """The reply of lua/look.lua by queue; nothing if it is an error."""
    if isinstance(reply, BrokerError):
        return {}
    pairs = zip(queues, reply[::2], reply[1::2], strict=True)
    return {queue: (length, to_seconds(due)) for queue, length, due in pairs}
