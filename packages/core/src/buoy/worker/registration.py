"""The registration of a worker: its facts and state in Redis, for ``buoy workers``."""

import json
import os
import re
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..connection.client import check_replies
from ..process.system import tree_memory

if TYPE_CHECKING:
    from ..broker.broker import Broker

LISTED_MILLISECONDS = 86_400_000
"""Milliseconds for which a worker that died without signing off stays on the list of workers."""

ID = re.compile(r".+-[0-9]+-[0-9a-f]{6}")
"""What the id of a worker looks like."""


def worker_id() -> str:
    """A new name for one worker: host, process and a random part."""
    host = "".join(c if c.isalnum() or c in ".-" else "-" for c in socket.gethostname())
    return f"{host}-{os.getpid()}-{secrets.token_hex(3)}"


class WorkerRegistration:
    """The entry of one worker in the list of workers: its facts and its present state.

    The heartbeat thread publishes it and withdraws it; before that thread starts, the main thread
    does. ``state`` returns the state to show, ``counts`` how many jobs were settled with which
    outcome.
    """

    def __init__(
        self,
        broker: "Broker",
        id: str,
        *,
        queues: str,
        executor: str,
        slots: int,
        state: Callable[[], str] = lambda: "running",
        counts: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self.broker, self.id, self.state, self.counts = broker, id, state, counts
        self.queues, self.executor, self.slots = queues, executor, slots
        self.started_at = time.time()
        self.published = False

    def publish(self) -> list[Any]:
        """Write the entry, which Redis keeps for one lease. Returns the replies of Redis, some of
        which may be errors; the last is the worker command that waits, or None.

        Raises BrokerError if Redis cannot be reached.
        """
        keys, client = self.broker.keys, self.broker.worker_client
        key = keys.worker(self.id)
        _, (seconds, micros) = check_replies(client.calls([["EXISTS", key], ["TIME"]]))
        now = int(seconds) * 1000 + int(micros) // 1000
        self.published = True
        return client.calls(
            [
                ["HSET", key, *self.fields()],
                ["PEXPIRE", key, round(self.broker.settings.lease * 1000)],
                ["ZADD", keys.workers(), now, self.id],
                ["ZREMRANGEBYSCORE", keys.workers(), "-inf", now - LISTED_MILLISECONDS],
                ["HGET", key, "command"],
            ]
        )

    def withdraw(self) -> None:
        """Delete the entry. Raises BrokerError if Redis cannot be reached."""
        keys = self.broker.keys
        self.broker.worker_client.calls(
            [["DEL", keys.worker(self.id)], ["ZREM", keys.workers(), self.id]]
        )

    def fields(self) -> list[str]:
        """The fields as a flat list: name, value, name, value, and so on."""
        facts = {"host": socket.gethostname(), "pid": os.getpid(), "parent": os.getppid()}
        facts |= {"queues": self.queues, "executor": self.executor, "slots": self.slots}
        facts |= {"state": self.state(), "started_at": round(self.started_at, 3)}
        facts |= {"memory": tree_memory(os.getpid()), "counts": json.dumps(dict(self.counts()))}
        return [str(word) for pair in facts.items() for word in pair]
