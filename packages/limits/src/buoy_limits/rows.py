"""Limits as the rows of a table, for the command line and for the dashboard."""

from collections.abc import Iterable
from typing import Any

from buoy.plugins.redis import PermitView


def in_order(found: Iterable[PermitView]) -> list[PermitView]:
    """Returns these limits, those with most blocked jobs first."""
    return sorted(found, key=lambda each: (-each.blocked, each.queue, each.key))


def limit_row(each: PermitView) -> dict[str, Any]:
    return {
        "key": each.key,
        "queue": each.queue,
        "taken": each.taken,
        "limit": each.limit,
        "blocked": each.blocked,
        "set": each.set,
    }
