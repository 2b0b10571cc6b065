"""What operators want of workers, from anywhere: a field of the worker's card in Redis, which the
worker reads at its next heartbeat and obeys like a signal."""

import signal
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..broker.script_arguments import text
from ..broker.scripts import ScriptCall, run_scripts, script
from ..connection.client import accepted
from .monitor import WorkerView

if TYPE_CHECKING:
    from ..broker.broker import Broker

SIGNALS = {"stop": "SIGTERM", "quiet": "SIGUSR2", "resume": "SIGCONT"}
"""By name: who wishes may be on a system that has not all of them."""


def wish(broker: "Broker", word: str, workers: Sequence[str]) -> dict[str, bool]:
    """Leave word for these workers; tells for each whether it was there to be told."""
    field = f"{word} {time.time_ns()}"  # the time tells this wish from the one before
    told = script("buoy.broker", "wish")
    acts: list[ScriptCall] = [(told, [broker.keys.worker(id)], [field]) for id in workers]
    replies = accepted(run_scripts(broker.client, acts)) if acts else []
    return {id: bool(reply) for id, reply in zip(workers, replies, strict=True)}


def forget(broker: "Broker", worker: str) -> bool:
    """Take a worker off the list; False if it is no longer gone. One that comes back after that
    puts itself on the list again."""
    if broker.client.call("EXISTS", broker.keys.worker(worker)):
        return False
    broker.client.call("ZREM", broker.keys.workers(), worker)
    return True


def signal_of(field: bytes) -> signal.Signals | None:
    """The signal that says what is wished; None for a wish that this version does not know."""
    name = SIGNALS.get(text(field).split(" ")[0])
    return None if name is None else signal.Signals[name]


def unrest(view: WorkerView) -> str | None:
    """Why a worker is not at rest yet: jobs in hand, or a wish that it has not fulfilled."""
    if view.gone:
        return None
    if view.wish == "stop" or view.state == "stopping":
        return f"stopping, jobs in hand: {len(view.running)}"
    if view.running:
        return f"jobs in hand: {len(view.running)}"
    return "has not heard yet" if view.wish == "quiet" and view.state != "paused" else None
