"""Limits how many jobs run at once, how many begin in a time, and lets tenants take turns."""

from .plugin import Fair, Limit, Limits, Lonely, Rate
from .repeats import Debounce, Throttle

__version__ = "0.1.0"
__all__ = ["Debounce", "Fair", "Limit", "Limits", "Lonely", "Rate", "Throttle"]
