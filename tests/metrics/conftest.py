from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from buoy import App
from buoy_metrics import BuoyCollector

Page = dict[tuple[str, ...], float]
"""The numbers of a page: by the name of the metric, then the values of the labels."""
PATIENCE = 120.0
"""Seconds in which a Redis that is not silent answers, also on a busy machine."""


def scrape(collector: BuoyCollector) -> Page:
    """What Prometheus reads, and that it can read it."""
    registry = CollectorRegistry()
    registry.register(collector)
    page: Page = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            key = (sample.name, *(sample.labels[name] for name in sorted(sample.labels)))
            assert key not in page, "Prometheus refuses a page that says a thing twice"
            page[key] = sample.value
    return page


@pytest.fixture
def page(buoy_app: App) -> Callable[[], Page]:
    """Returns a function that scrapes the app."""
    collector = BuoyCollector(buoy_app, timeout=PATIENCE)
    return lambda: scrape(collector)
