"""Processes that a plugin runs: their start, their signals, their title,
the sockets on which they listen, and outages of Redis."""

from ..connection.backoff import Backoff
from ..connection.startup import raise_if_permanent
from ..process.listening import address_of, listen
from ..process.logs import configure as configure_logging
from ..process.signals import STOP_SIGNALS, SignalPipe, exit_on_signals
from ..process.system import is_running, pid_file
from ..process.titles import set_title

__all__ = [
    "STOP_SIGNALS",
    "Backoff",
    "SignalPipe",
    "address_of",
    "configure_logging",
    "exit_on_signals",
    "is_running",
    "listen",
    "pid_file",
    "raise_if_permanent",
    "set_title",
]
