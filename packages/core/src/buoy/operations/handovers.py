"""What operators see of jobs on their way to another queue, and how they make them go on."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..broker.forwarding import Forwarded, forward_steps
from ..broker.script_arguments import decode_text
from ..connection.client import RedisSteps, run_steps, send_commands
from ..errors import BrokerError, CorruptPayload
from ..model.ending import parse_handover

if TYPE_CHECKING:
    from ..broker.broker import Broker

LOOK = 100
"""How many hand-overs of a queue are looked at."""


@dataclass(frozen=True)
class OpenHandovers:
    """Jobs of one queue that are on their way to others. ``count``: how many. ``targets``: the
    queues to which the first ones go, and how many of them; "" for what cannot be read.
    ``oldest``: when the oldest of the first ones was handed over, epoch seconds."""

    count: int
    targets: Counter[str]
    oldest: float


def read_open(broker: "Broker", queues: Sequence[str]) -> RedisSteps[dict[str, OpenHandovers]]:
    """Returns the open hand-overs of each queue that has any and can be read; takes two round trips
    at most."""
    keys = {queue: broker.keys.part(queue, "handovers") for queue in queues}
    counts = yield from send_commands([["ZCARD", key] for key in keys.values()])
    open_ones = {
        queue: count
        for queue, count in zip(keys, counts, strict=True)
        if isinstance(count, int) and count
    }
    pages = yield from send_commands([["ZRANGE", keys[queue], 0, LOOK - 1] for queue in open_ones])
    return {
        queue: summary(count, page)
        for (queue, count), page in zip(open_ones.items(), pages, strict=True)
        if not isinstance(page, BrokerError)
    }


def summary(count: int, page: Sequence[bytes]) -> OpenHandovers:
    """Returns what is to be said of these hand-overs."""
    targets, times = Counter[str](), []
    for stored in page:
        try:
            each = parse_handover(decode_text(stored))
        except (CorruptPayload, RecursionError):
            targets[""] += 1
        else:
            targets[each.queue] += 1
            times.append(each.at / 1000)
    return OpenHandovers(count, targets, min(times, default=0.0))


def hand_over_now(broker: "Broker", queue: str) -> Forwarded:
    """Hand over all that is on its way from this queue, also what was put off for later. Raises
    BrokerError if the queue cannot be reached."""
    report = Forwarded()

    def steps() -> RedisSteps[Any]:
        [count] = yield [["ZCARD", broker.keys.part(queue, "handovers")]]
        most = count if isinstance(count, int) else 0
        if most:
            yield from forward_steps(broker, queue, most, early=True, report=report)

    run_steps(steps(), lambda: broker.client)
    return report
