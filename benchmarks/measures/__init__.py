"""The measures, one file each, in the order of the tables."""

from ..measure import Measure
from . import bulk, delayed, drain, enqueue, growth, latency, memory, naps, pages, purchases, start

MEASURES: list[Measure] = [
    module.MEASURE
    for module in (
        *(drain, naps, enqueue, bulk, latency, delayed, growth, start, memory, purchases),
        pages,
    )
]
