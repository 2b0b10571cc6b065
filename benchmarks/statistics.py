"""Medians, minima, maxima and quantiles."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """A figure over several rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread | None":
        """Returns None without values."""
        found = list(values)
        return cls(median(found), min(found), max(found)) if found else None


def quantile(values: Iterable[float], part: float) -> float:
    """Returns the smallest value that this part of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]
