import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from buoy.jobs.registry import aside, registry
from tests.support.old_click import use_streams_apart

# How long an example takes says more of the machine than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_configure() -> None:
    """What a shell starts in the background ignores Ctrl-C, and would have what tests start, and
    then interrupt, ignore it, too."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    use_streams_apart()


@pytest.fixture(autouse=True)
def own_classes() -> Iterator[None]:
    """The job classes that a test declares are known in it alone: others mean to know none of that
    name."""
    before = dict(registry)
    yield
    registry.clear()
    registry.update(before)
    aside.clear()
