"""Processes that a plugin runs: their start, their signals, their title, and outages of Redis."""

from ..connection.backoff import Backoff
from ..connection.startup import raise_if_permanent
from ..process.logs import configure as configure_logging
from ..process.signals import STOPS, SignalPipe, ended_by_signals
from ..process.system import noted_pid
from ..process.titles import show as show_title

__all__ = [
    "STOPS",
    "Backoff",
    "SignalPipe",
    "configure_logging",
    "ended_by_signals",
    "noted_pid",
    "raise_if_permanent",
    "show_title",
]
