"""What operators want of workers, from anywhere: a field of the worker's card in Redis, which the
worker reads at its next heartbeat and obeys like a signal."""

import signal
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .link import Word, accepted
from .monitor import WorkerView

if TYPE_CHECKING:
    from .broker import Broker

SIGNALS = {"stop": "SIGTERM", "quiet": "SIGUSR2", "resume": "SIGCONT"}
"""By name: who wishes may be on a system that has not all of them."""


def wish(broker: "Broker", word: str, workers: Sequence[str]) -> None:
    """Leave word for these workers."""
    link, keys = broker.link, [broker.keys.worker(id) for id in workers]
    field = f"{word} {time.time_ns()}"  # the time tells this wish from the one before
    commands: list[list[Word]] = []
    for key in keys:
        commands += [["HSET", key, "wish", field], ["PTTL", key]]
    lives = accepted(link.calls(commands))[1::2] if keys else []
    # A card that does not expire had expired, and came back with nothing but the wish.
    alone: list[list[Word]] = [["DEL", k] for k, ttl in zip(keys, lives, strict=True) if ttl < 0]
    accepted(link.calls(alone) if alone else [])


def signal_of(field: bytes) -> signal.Signals | None:
    """The signal that says what is wished; None for a wish that this version does not know."""
    name = SIGNALS.get(field.decode().split(" ")[0])
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
