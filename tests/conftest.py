from collections.abc import Iterator

import pytest

from buoy.registry import registry


@pytest.fixture(autouse=True)
def own_classes() -> Iterator[None]:
    """The job classes that a test declares are known in it alone: others mean to know none of that
    name."""
    before = dict(registry)
    yield
    registry.clear()
    registry.update(before)
