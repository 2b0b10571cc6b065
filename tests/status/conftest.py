from collections.abc import Callable, Iterator
from typing import Any

import pytest

from buoy import App, Job
from buoy.testing import FakeWorker

from . import shop


@pytest.fixture(autouse=True)
def nothing_inside() -> Iterator[None]:
    shop.inside.clear()
    yield
    assert not shop.inside, "a run that the test meant did not happen"


@pytest.fixture
def inside() -> Callable[[Callable[[Job], Any]], None]:
    """Returns a function that sets what the next run does."""
    return shop.inside.append


@pytest.fixture
def worker(buoy_app: App) -> FakeWorker:
    """A worker of the queue of most jobs here; it does what the test says."""
    return FakeWorker(buoy_app, "purchasing")
