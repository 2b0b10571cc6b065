"""Whether a scheduler of this host is alive: the probe ``buoy scheduler --check``."""

import re
import socket

from buoy import App, Unavailable
from buoy.plugins.daemon import is_running

from .store import Store, daemon_name

SILENCE = 30.0
"""Seconds without a poll after which a daemon counts as dead; it polls each second, but may have
many ticks to enqueue."""


def probe_daemons(app: App, pid: int | None = None) -> tuple[bool, str]:
    """Returns whether a scheduler of this host (the one with this process id) polls Redis, and a
    sentence that gives the reason.

    While Redis cannot be reached, schedulers count as alive: a restart would not help. Raises
    BrokerError when Redis refuses to answer.
    """
    if pid is not None and not is_running(pid):
        return False, f"there is no process {pid}"
    host = socket.gethostname()
    try:
        found = Store(app).polled_ago()
    except Unavailable as error:
        return True, f"{error}; schedulers wait for it, a restart would not help"
    alive = [name for name, ago in found.items() if ago < SILENCE and is_here(name, host)]
    if pid is not None:
        alive = [name for name in alive if name == daemon_name(pid)]
    whose = f"host {host}" if pid is None else f"host {host}, process {pid},"
    if not alive:
        return False, f"no scheduler of {whose} polls Redis"
    if len(alive) == 1:
        return True, f"scheduler {alive[0]} polls Redis"
    return True, f"{len(alive)} schedulers of {whose} poll Redis"


def is_here(name: str, host: str) -> bool:
    """Returns whether a scheduler runs on this host: one that has ended has polled just before."""
    where, _, pid = name.rpartition(":")
    return where == host and re.fullmatch(r"[0-9]{1,9}", pid) is not None and is_running(int(pid))
