"""Whether a worker of this host is alive: the probe of containers, ``buoy worker --check``."""

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..broker.script_arguments import decode_text
from ..errors import Unavailable
from ..process.system import is_running

if TYPE_CHECKING:
    from ..broker.broker import Broker


@dataclass(frozen=True, slots=True)
class Liveness:
    """The answer of a probe, and a sentence that gives the reason."""

    alive: bool
    text: str


def probe_workers(broker: "Broker", pid: int | None = None) -> Liveness:
    """Returns whether a worker of this host sends heartbeats.

    ``pid``: the process id of that worker, or of its supervisor. While Redis cannot be reached, all
    workers count as alive: they wait for it, and a restart would only lose their jobs. Raises
    BrokerError when Redis refuses to answer.
    """
    if pid is not None and not is_running(pid):
        return Liveness(False, f"there is no process {pid}")
    try:
        return answer_of(broker, pid)
    except Unavailable as error:
        return Liveness(True, f"{error}; workers wait for it, a restart would not help")


def answer_of(broker: "Broker", pid: int | None) -> Liveness:
    client, keys, host = broker.worker_client, broker.keys, socket.gethostname()
    listed = [decode_text(id) for id in client.call("ZRANGE", keys.workers(), 0, -1)]
    commands = [["HMGET", keys.worker(id), "host", "pid", "parent"] for id in listed]
    found = client.calls(commands) if commands else []
    unavailable = [reply for reply in found if isinstance(reply, Unavailable)]
    beating = [
        id
        for id, reply in zip(listed, found, strict=True)
        if isinstance(reply, list) and is_wanted(reply, host, pid)
    ]
    whose = f"host {host}" if pid is None else f"host {host}, process {pid},"
    if len(beating) == 1:
        return Liveness(True, f"worker {beating[0]} sends heartbeats")
    if beating:
        return Liveness(True, f"{len(beating)} workers of {whose} send heartbeats")
    if unavailable:
        raise unavailable[0]
    return Liveness(False, f"no worker of {whose} sends heartbeats")


def is_wanted(facts: list[bytes | None], host: str, pid: int | None) -> bool:
    """Whether a registration is that of a worker of this host, and of this process."""
    at, *pids = [decode_text(fact) if fact else "" for fact in facts]
    return at == host and (pid is None or str(pid) in pids)
