"""Keeps the failed set of each queue within the settings ``failed_max`` and ``failed_days``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..broker.script_arguments import ScriptArguments
from ..broker.scripts import run_scripts
from ..errors import BrokerError
from ..process.logs import Log

if TYPE_CHECKING:
    from ..broker.broker import Broker

logger = Log("buoy.worker")

PAGE, PAGES = 1000, 10
"""How many jobs one script removes; how many scripts one heartbeat sends to a queue at most."""
DAY_MS = 86_400_000


def enforce_failed_limits(broker: "Broker", queues: Sequence[str]) -> None:
    """Remove failed jobs beyond the limits, the oldest first, and log how many. Never raises.

    A worker calls it at each heartbeat. Without limits it does nothing. What is left by the last
    script, or in a queue that could not be reached, is removed at the next heartbeat.
    """
    chosen = broker.settings
    if not (chosen.failed_max or chosen.failed_days):
        return
    removed: dict[str, int] = {}
    left = list(queues)
    try:
        for _ in range(PAGES):
            found = trim(broker, left) if left else {}
            for queue, count in found.items():
                removed[queue] = removed.get(queue, 0) + count
            left = [queue for queue, count in found.items() if count == PAGE]
    except Exception as error:  # noqa: BLE001 - without its thread a worker would lose its leases
        logger.debug("failed jobs were not counted: %s", error)
    for queue, count in removed.items():
        if count:
            logger.info(
                "queue=%s failed jobs removed: %d; it keeps %s", queue, count, limits(broker)
            )


def trim(broker: "Broker", queues: Sequence[str], page: int = PAGE) -> dict[str, int]:
    """Remove failed jobs beyond the limits; returns by queue how many, at most ``page``.

    A queue that cannot be reached is missing. Raises BrokerError if none can be reached.
    """
    chosen = broker.settings
    age = round(chosen.failed_days * DAY_MS) if chosen.failed_days else ""
    words = [chosen.failed_max or "", age, page]
    calls = [
        broker.script_call("trim_failed", queue, ScriptArguments([*words])) for queue in queues
    ]
    replies = run_scripts(broker.worker_client, calls)
    return {
        queue: int(reply)
        for queue, reply in zip(queues, replies, strict=True)
        if not isinstance(reply, BrokerError)
    }


def limits(broker: "Broker") -> str:
    """Returns the limits as a log line says them: ``1000 (BUOY_FAILED_MAX)``."""
    chosen = broker.settings
    parts = []
    if chosen.failed_max:
        parts.append(f"{chosen.failed_max} (BUOY_FAILED_MAX)")
    if chosen.failed_days:
        parts.append(f"those of {chosen.failed_days:g} days (BUOY_FAILED_DAYS)")
    return " and ".join(parts)
