from collections.abc import Iterator

import pytest

from buoy.process.stopping import stop_flag

from . import shop


@pytest.fixture(autouse=True)
def nothing_seen() -> Iterator[None]:
    """Each test begins without memories of another one, and with a worker that does not stop."""
    shop.seen.clear()
    shop.on_row.clear()
    yield
    stop_flag.set(False)
