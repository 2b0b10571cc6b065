"""How a metric is declared, and how its numbers become those of Prometheus' library."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from buoy.plugins.redis import Histogram
from buoy.plugins.text import one_line

from .reading import Reading

LONGEST_LABEL = 200
"""The most characters of a label: the name of a class may be as long as a payload."""
UNITS = ("seconds", "bytes")
LIMITS = [str(2**n / 1000) for n in range(27)]
"""The upper limits of the buckets of a histogram, in seconds; the last bucket has none."""

Labels = Sequence[str]
Numbers = Callable[[Reading], Iterable[tuple[Labels, float]]]
Histograms = Callable[[Reading], Iterable[tuple[Labels, Histogram]]]


class Series(Protocol):
    """One metric, with the names of its labels."""

    @property
    def name(self) -> str:
        """The name as queries have it."""

    @property
    def meaning(self) -> str: ...

    @property
    def labels(self) -> Labels: ...

    def family(self, reading: Reading) -> Metric:
        """Returns the metric as Prometheus' library has it, with the numbers of a reading."""


@dataclass(frozen=True)
class Number:
    """A metric that is one number for each combination of labels."""

    kind: type[GaugeMetricFamily | CounterMetricFamily]
    name: str
    meaning: str
    labels: Labels
    numbers: Numbers

    def family(self, reading: Reading) -> Metric:
        family = self.kind(self.name, self.meaning, labels=self.labels, unit=unit(self.name))
        found: dict[tuple[str, ...], float] = {}
        # Two names may be equal once they are cut; Prometheus would refuse the whole page.
        for labels, number in self.numbers(reading):
            shown = tuple(map(label, labels))
            found[shown] = found.get(shown, 0) + number
        for shown, number in found.items():
            family.add_metric(shown, number)
        return family


@dataclass(frozen=True)
class Distribution:
    """A metric that is a histogram for each combination of labels."""

    name: str
    meaning: str
    labels: Labels
    histograms: Histograms

    def family(self, reading: Reading) -> Metric:
        unit_ = unit(self.name)
        family = HistogramMetricFamily(self.name, self.meaning, labels=self.labels, unit=unit_)
        found: dict[tuple[str, ...], list[Histogram]] = {}
        for labels, histogram in self.histograms(reading):
            found.setdefault(tuple(map(label, labels)), []).append(histogram)
        for shown, alike in found.items():
            family.add_metric(shown, cumulated(alike), sum(each.sum for each in alike))
        return family


def cumulated(histograms: Sequence[Histogram]) -> list[tuple[str, float]]:
    """Returns the limits of buckets, and how many values are below each, of all histograms."""
    below, buckets = 0, []
    for n, limit in enumerate([*LIMITS, "+Inf"]):
        below += sum(each.buckets[n] for each in histograms)
        buckets.append((limit, float(below)))
    return buckets


def unit(name: str) -> str:
    """Returns the unit that a name ends with, or nothing."""
    last = name.rpartition("_")[2]
    return last if last in UNITS else ""


def label(text: str) -> str:
    """Returns a text that every reader of the page can take."""
    line = one_line(text)
    return line if len(line) <= LONGEST_LABEL else line[: LONGEST_LABEL - 1] + "…"


def gauge(name: str, meaning: str, *labels: str) -> Callable[[Numbers], Series]:
    """Makes a metric of a function that returns numbers, which go up and down."""
    return lambda numbers: Number(GaugeMetricFamily, name, meaning, labels, numbers)


def counter(name: str, meaning: str, *labels: str) -> Callable[[Numbers], Series]:
    """Makes a metric of a function that returns numbers, which only grow. The name ends with
    ``_total``."""
    return lambda numbers: Number(CounterMetricFamily, name, meaning, labels, numbers)


def histogram(name: str, meaning: str, *labels: str) -> Callable[[Histograms], Series]:
    """Makes a metric of a function that returns histograms."""
    return lambda histograms: Distribution(name, meaning, labels, histograms)
