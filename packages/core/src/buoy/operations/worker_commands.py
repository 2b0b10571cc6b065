"""Commands that operators send to workers through Redis.

A command is a field of the worker's registration. The worker reads it at its next heartbeat and
handles it like the signal of SIGNALS.
"""

import signal
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from ..broker.script_arguments import decode_text
from ..broker.scripts import ScriptCall, run_scripts, script
from ..connection.client import check_replies
from .views import WorkerView, command_of

if TYPE_CHECKING:
    from ..broker.broker import Broker

WorkerCommand = Literal["stop", "quiet", "resume"]
SIGNALS: dict[str, str] = {"stop": "SIGTERM", "quiet": "SIGUSR2", "resume": "SIGCONT"}
"""Names of signals: an operator may use a system that does not have all of these signals."""


def send_command(
    broker: "Broker", command: WorkerCommand, workers: Sequence[str]
) -> dict[str, bool]:
    """Leave a command for these workers; returns for each id whether the worker was there.

    Raises BrokerError if Redis does not answer.
    """
    field = f"{command} {time.time_ns()}"  # the time makes each command differ from the last one
    store = script("buoy.broker", "worker_command")
    calls: list[ScriptCall] = [(store, [broker.keys.worker(id)], [field]) for id in workers]
    replies = check_replies(run_scripts(broker.client, calls)) if calls else []
    return {id: bool(reply) for id, reply in zip(workers, replies, strict=True)}


def forget(broker: "Broker", worker: str) -> bool:
    """Remove a worker that is gone from the list; returns False if it sends heartbeats again.

    A worker that comes back later adds itself to the list.
    """
    if broker.client.call("EXISTS", broker.keys.worker(worker)):
        return False
    broker.client.call("ZREM", broker.keys.workers(), worker)
    return True


def signal_of(field: bytes) -> signal.Signals | None:
    """Returns the signal for the field of a registration, or None for an unknown command."""
    name = SIGNALS.get(command_of(decode_text(field)))
    return None if name is None else signal.Signals[name]


def pending_reason(view: WorkerView) -> str | None:
    """Returns why a worker is not at rest yet: it has jobs, or has not yet followed its command.

    Returns None if the worker is at rest or gone.
    """
    if view.gone:
        return None
    if view.command == "stop" or view.state == "stopping":
        return f"stopping, jobs in flight: {len(view.running)}"
    if view.running:
        return f"jobs in flight: {len(view.running)}"
    if view.command == "quiet" and view.state != "paused":
        return "has not received the command yet"
    return None
