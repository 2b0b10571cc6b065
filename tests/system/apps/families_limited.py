"""The same with limits, which only forking keeps."""

from .families import Leaves


class LeavesInTime(Leaves):
    timeout = 1.0


class LeavesTooLarge(Leaves):
    max_memory = 200 << 20
