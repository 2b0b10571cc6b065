"""The same with limits, which only forking keeps."""

from .families import Leaves


class LeavesInTime(Leaves):
    timeout = 8.0  # by then it has started everything, however busy the machine is


class LeavesTooLarge(Leaves):
    max_memory = 200 << 20
