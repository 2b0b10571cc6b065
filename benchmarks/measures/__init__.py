"""What is measured, in the order of the tables: a file each."""

from . import bulk, delayed, drain, enqueue, growth, latency, memory, naps, purchases, start

MEASURES = [
    module.MEASURE
    for module in (
        *(drain, naps, enqueue, bulk, latency, delayed, growth, start, memory, purchases),
    )
]
