"""Values of pages as JSON can hold them."""

import math
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from typing import Any

from buoy.plugins.redis import JobView

DEEPEST = 150
"""How many levels of lists and dicts are shown; jobs that buoy enqueues have at most 100."""


def plain(value: Any, level: int = 0) -> Any:
    """Returns a value made of dicts, lists, texts and finite numbers only."""
    if level > DEEPEST:
        return "(deeper)"
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, JobView):
        facts = {each.name: getattr(value, each.name) for each in fields(value) if each.repr}
        facts |= {"args": value.shown_args, "kwargs": value.shown_kwargs}
        facts |= {"plugin_data": value.shown_plugin_data}
        return plain(facts | {"identifier": value.identifier}, level)
    if is_dataclass(value) and not isinstance(value, type):
        shown = [each.name for each in fields(value) if each.repr]
        return {name: plain(getattr(value, name), level + 1) for name in shown}
    if isinstance(value, Mapping):
        return {str(key): plain(each, level + 1) for key, each in value.items()}
    if isinstance(value, list | tuple | Set):
        return [plain(each, level + 1) for each in value]
    return str(value)
